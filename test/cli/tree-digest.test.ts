import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { dockerArchive } from '../helpers/docker-archive.js';
import { archiveOf, temporaryFolder } from '../helpers/members.js';
import { type RawEntry, rawLayer } from '../helpers/raw-layer.js';
import { treeOfTar } from '../helpers/read-tar.js';
import { runDimgx } from '../helpers/run-dimgx.js';
import { callDimgx } from '../helpers/shared-dimgx.js';
import { treeDigest } from '../helpers/tree-text.js';

const LAYERS: readonly (readonly RawEntry[])[] = [
  [{ name: 'base' }, { name: 'null', type: '3', device: [1, 3] }],
  [{ name: 'file', content: 'contents' }],
];

const digestOf = (layers: readonly (readonly RawEntry[])[]) => {
  const entries = layers.flat().toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return treeDigest(treeOfTar(rawLayer(entries)));
};
const DIGEST = digestOf(LAYERS);

async function image(): Promise<{ readonly folder: string; readonly path: string }> {
  const folder = await temporaryFolder();
  const path = join(folder, 'image.tar');
  await writeFile(path, await archiveOf(dockerArchive([{ layers: LAYERS.map((layer) => rawLayer(layer)) }])));
  return { folder, path };
}

const printed = (stdout: string) => ({ stdout, stderr: '', code: 0, signal: null });

describe('--tree-digest', () => {
  test('prints the digest, and writes nothing', async () => {
    const { path } = await image();
    expect(await callDimgx('--tree-digest', path)).toEqual(printed(`${DIGEST}\n`));
  });

  test('prints the digest of what is written', async () => {
    const { folder, path } = await image();
    for (const args of [['flat.tar'], ['flat.tar.gz', '--threads=2'], ['flat', '-C', '--no-verify']]) {
      expect(await callDimgx('--tree-digest', '-t', join(folder, ...args.splice(0, 1)), ...args, path)).toEqual(
        printed(`${DIGEST}\n`),
      );
    }
  });

  test('is that of the layers that are chosen, without devices that are left out', async () => {
    const { path } = await image();
    expect(await callDimgx('--tree-digest', '-l@2', path)).toEqual(printed(`${digestOf(LAYERS.slice(1))}\n`));
    const { stdout } = await callDimgx('--tree-digest', '--exclude-devices', path);
    expect(stdout).toBe(`${digestOf([[{ name: 'base' }], ...LAYERS.slice(1)])}\n`);
  });

  test('ignores what only a target has', async () => {
    const { path } = await image();
    expect(await callDimgx('--tree-digest', '-J', '--compress-level=0', path)).toEqual(printed(`${DIGEST}\n`));
  });

  test('is a field of the JSON, which has none otherwise', async () => {
    const { folder, path } = await image();
    const target = join(folder, 'flat.tar');
    for (const args of [[], ['-t', target]]) {
      const { stdout } = await callDimgx('--tree-digest', '--json', ...args, path);
      expect(JSON.parse(stdout)).toMatchObject({ treeDigest: DIGEST, entries: 3 });
    }
    const { stdout } = await callDimgx('--json', '-wt', target, path);
    expect(JSON.parse(stdout)).not.toHaveProperty('treeDigest');
  });

  test('goes to standard error if the tar goes to standard output', async () => {
    const { path } = await image();
    const { stdout, stderr, code } = await runDimgx('--tree-digest', '-t', '-', path);
    expect({ stderr, code }).toEqual({ stderr: `${DIGEST}\n`, code: 0 });
    expect(treeDigest(treeOfTar(Buffer.from(stdout)))).toBe(DIGEST);
  });
});
