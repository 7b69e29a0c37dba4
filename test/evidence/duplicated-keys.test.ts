import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { diffIdOf } from '../helpers/built-image.js';
import { dockerArchive } from '../helpers/docker-archive.js';
import { temporaryFolder, writeArchive, writeFolder } from '../helpers/members.js';
import { ociLayout } from '../helpers/oci-layout.js';
import { rawLayer } from '../helpers/raw-layer.js';
import { type Provenance, recordImage } from '../helpers/recorded-run.js';
import { runCommand } from '../helpers/run-command.js';
import { callDimgx } from '../helpers/shared-dimgx.js';

const FORMS = [
  ['an archive', (layers: readonly Uint8Array[]) => writeArchive(dockerArchive([{ layers }]))],
  ['a layout', (layers: readonly Uint8Array[]) => writeFolder(ociLayout([{ layers }], { gzip: true }))],
] as const;

const OTHER = rawLayer([{ name: 'etc/', type: '5' }]);
const TWICE = rawLayer([
  { name: 'k/key', content: 'the first key' },
  { name: 'k/key', content: 'the second key' },
]);
const REMOVES = rawLayer([{ name: 'k/.wh.key' }]);
const FOLDER = `layer-2-${diffIdOf(TWICE).slice(7, 19)}`;

/** What `ls` lists of the path, without the facts that its versions have in common. */
async function listed(reference: string): Promise<readonly string[]> {
  const { stdout } = await callDimgx('ls', '--hidden', reference, '/k/key');
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/^\S+ +\S+ +(\d+) .*? +(@\d)/, '$1 $2'));
}

/** Files of the tar of hidden versions, and names of the body file. */
async function recorded(reference: string) {
  const folder = await temporaryFolder();
  const run = await recordImage(reference, folder);
  await mkdir(join(folder, 'hidden'));
  await runCommand('tar', ['-xf', run.hiddenTar], { cwd: join(folder, 'hidden') });
  const found = await runCommand('grep', ['-r', '.', '.'], { cwd: join(folder, 'hidden') });
  const bodyfile = await readFile(run.record('bodyfile'), 'utf8');
  return {
    files: found.stdout.toString().trimEnd().split('\n').sort(),
    names: bodyfile.split('\n').flatMap((line) => line.split('|')[1] ?? []),
    hidden: (await run.provenance()).filter(({ state }) => state === 'hidden'),
  };
}

/** What `cat` gives of versions by their inodes. */
async function contents(reference: string, versions: readonly Provenance[]): Promise<readonly string[]> {
  const found: string[] = [];
  for (const { inode } of versions) found.push((await callDimgx('cat', '--inode', reference, `${inode}`)).stdout);
  return found;
}

describe('a key that its own layer describes again', () => {
  test.each(FORMS)('is found and recovered from %s', async (_, write) => {
    const image = await write([OTHER, TWICE]);
    expect(await listed(image)).toEqual(['14 @2  /k/key', '13 @2  /k/key  (duplicate in @2)']);
    const { files, names, hidden } = await recorded(image);
    expect(files).toEqual([`./${FOLDER}/k/key:the first key`]);
    expect(names).toEqual(['/etc', '/k', '/k/key', '/k/key (deleted @2)']);
    expect(hidden).toMatchObject([{ layer: 2, createdBy: 'step 2', hiddenBy: { layer: 2, how: 'duplicate' } }]);
    expect((await callDimgx('cat', image, '/k/key')).stdout).toBe('the second key');
    expect(await contents(image, hidden)).toEqual(['the first key']);
  });

  test.each(FORMS)('is found and recovered from %s if a newer layer removes the path, too', async (_, write) => {
    const image = await write([OTHER, TWICE, REMOVES]);
    expect(await listed(image)).toEqual(['14 @2  /k/key  (removed in @3)', '13 @2  /k/key  (duplicate in @2)']);
    const { files, names, hidden } = await recorded(image);
    expect(files).toEqual([`./${FOLDER}-entry-1/k/key:the first key`, `./${FOLDER}/k/key:the second key`]);
    expect(names).toEqual(['/etc', '/k', '/k/key (deleted @2)', '/k/key (deleted @2 entry 1)']);
    expect(hidden.map(({ size, hiddenBy }) => [size, hiddenBy?.how, hiddenBy?.layer])).toEqual([
      [14, 'removed', 3],
      [13, 'duplicate', 2],
    ]);
    expect((await callDimgx('cat', image, '/k/key')).stderr).toMatch(/ is hidden: layer @2 has it, .*: .* -l @2\n$/);
    expect((await callDimgx('cat', '-l', '@2', image, '/k/key')).stdout).toBe('the second key');
    expect(await contents(image, hidden)).toEqual(['the second key', 'the first key']);
  });
});
