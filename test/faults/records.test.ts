import { link, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { dockerArchive } from '../helpers/docker-archive.js';
import { type FaultyRun, startFaulty } from '../helpers/faulty-run.js';
import { temporaryFolder, writeArchive } from '../helpers/members.js';
import { few, MOMENTS, moments, WITH_MOMENTS } from '../helpers/moments.js';
import { cannotMount, smallDisk } from '../helpers/mounts.js';
import { rawLayer } from '../helpers/raw-layer.js';
import { RECORDS } from '../helpers/recorded-run.js';
import { runScript } from '../helpers/run-script.js';
import { shortOrLong } from '../helpers/short-or-long.js';

vi.setConfig(WITH_MOMENTS);

const PAGE = 4096;

/** What a run writes, with the option that says where. */
const OUTPUTS = {
  'rootfs.tar': '-t',
  'hidden.tar': '--hidden-to',
  ...Object.fromEntries(RECORDS.map((name) => [name, `--${name}`])),
};
const NAMES = Object.keys(OUTPUTS).sort();

/** Options for all outputs, in the folder of the target but for those that are elsewhere. */
const optionsFor = (elsewhere: Readonly<Record<string, string>> = {}) =>
  Object.entries(OUTPUTS)
    .map(([name, option]) => `${option} "${elsewhere[name] ?? `$(dirname "$target")/${name}`}"`)
    .join(' ');

/** An image with many entries: each record takes more than one write, and every file of the base is hidden. */
function image(): Promise<string> {
  const files = Array.from({ length: 2500 }, (_, i) => ({ name: `${'directory/'.repeat(6)}${i}`, content: `${i}` }));
  return writeArchive(dockerArchive([{ layers: [rawLayer(files), rawLayer(files.toReversed())] }]));
}

const filesIn = async (folder: string): Promise<ReadonlyMap<string, string>> =>
  new Map(
    await Promise.all(
      (await readdir(folder)).sort().map(async (name) => [name, await readFile(join(folder, name), 'latin1')] as const),
    ),
  );

/** Waits for the end of a run, which must have left all of its files or none, and nothing else. */
async function endOf(run: FaultyRun, whole: ReadonlyMap<string, string>) {
  const { code, signal } = await run.ended;
  const found = await filesIn(join(run.folder, 'out'));
  if (found.size > 0) expect([...found]).toEqual([...whole]);
  expect(await readdir(run.tmp)).toEqual([]);
  return { end: signal ?? code, files: found.size === 0 ? 'none' : 'all' };
}

async function undisturbed(options: Parameters<typeof startFaulty>[0]) {
  const begun = performance.now();
  const run = await startFaulty(options);
  expect({ ...(await run.ended), said: run.said() }).toEqual({ code: 0, signal: null, said: '' });
  const whole = await filesIn(join(run.folder, 'out'));
  expect([...whole.keys()]).toEqual(NAMES);
  return { whole, length: performance.now() - begun };
}

describe('a run that writes tars and records', () => {
  test('leaves all files or none when it meets a signal, at any moment', async () => {
    const options = { args: `${optionsFor()} "$image"`, image: await image() };
    const { whole, length } = await undisturbed(options);
    let killed = 0;
    for (const [at, part] of moments(1, 3 * MOMENTS).entries()) {
      const signal = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const)[at % 3] as NodeJS.Signals;
      const run = await startFaulty(options);
      await sleep(part * length);
      run.child.kill(signal);
      const { end, files } = await endOf(run, whole);
      expect({ end, files }).toEqual(end === 0 ? { end, files: 'all' } : { end: signal, files: expect.any(String) });
      if (end !== 0) killed++;
    }
    expect(killed).toBeGreaterThan(0);
  });

  test.each(shortOrLong(['hidden.tar', 'mtree'], NAMES))('leaves nothing when /dev/full is %s', async (name) => {
    const run = await startFaulty({ args: `${optionsFor({ [name]: '/dev/full' })} "$image"`, image: await image() });
    expect(await endOf(run, new Map())).toEqual({ end: 2, files: 'none' });
    expect(run.said()).toMatch(/^dimgx: DIMGX_TARGET_NO_SPACE: [^\n]*\/dev\/full[^\n]*\n$/);
  });

  test.skipIf(cannotMount()).each(shortOrLong(['bodyfile', 'hidden.tar', 'rootfs.tar'], NAMES))(
    'leaves nothing when the disk for %s is too small (needs mount)',
    async (name) => {
      const path = await image();
      const { whole } = await undisturbed({ args: `${optionsFor()} "$image"`, image: path });
      const most = Math.ceil((whole.get(name) as string).length / PAGE) * PAGE - PAGE;
      for (const size of few([...moments(most, 1).map((size) => Math.ceil(size / PAGE) * PAGE), most])) {
        const disk = await smallDisk(size);
        const run = await startFaulty({ args: `${optionsFor({ [name]: `${disk}/${name}` })} "$image"`, image: path });
        expect({ size, ...(await endOf(run, new Map())) }).toEqual({ size, end: 2, files: 'none' });
        expect(run.said()).toMatch(/^dimgx: DIMGX_TARGET_NO_SPACE: [^\n]*\n$/);
        expect(run.said()).toContain(`${disk}/${name}`);
        expect(await readdir(disk)).toEqual([]);
      }
    },
  );

  test.each(shortOrLong(['provenance', 'hidden.tar'], NAMES))(
    'leaves nothing when the reader of %s goes away',
    async (name) => {
      const script = `dimgx ${Object.entries(OUTPUTS)
        .map(([each, option]) => `${option} ${each === name ? '-' : `"$2/${each}"`}`)
        .join(' ')} "$1" | head -c 100 | wc -c; echo $PIPESTATUS; ls "$2"`;
      const path = await image();
      const { stdout, stderr } = await runScript(script, path, await temporaryFolder());
      expect({ stdout: stdout.toString(), stderr }).toEqual({ stdout: '100\n141\n', stderr: '' });
    },
  );
});

describe('two outputs that are the same', () => {
  test.each([
    ['records', '--mtree "$2/a" --bodyfile "$2/a"'],
    ['a record and the target', '-t "$2/a" --sha256sums "$2/./a"'],
    ['a record and the hidden tar', '--hidden-to "$2/a" --provenance "$2/a"'],
    ['records, one through a symlink', '--mtree "$2/old" --bodyfile "$2/symlink" --force'],
    ['records, one through a dangling symlink', '--mtree "$2/none" --bodyfile "$2/dangling"'],
    ['a record and the target, through a hard link', '-t "$2/old" --bodyfile "$2/hard" --force'],
    ['records on standard output', '--mtree - --bodyfile -'],
    ['a record and the target on standard output', '-t - --provenance -'],
    ['a record on standard output and its device', '--mtree - --bodyfile /dev/stdout'],
  ])('are refused: %s', async (_, args) => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'old'), 'old');
    await symlink('old', join(folder, 'symlink'));
    await symlink('none', join(folder, 'dangling'));
    await link(join(folder, 'old'), join(folder, 'hard'));
    const { code, stdout, stderr } = await runScript(
      `dimgx ${args} "$1" | cat; exit $PIPESTATUS`,
      await image(),
      folder,
    );
    expect({ code, stdout: stdout.toString() }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^dimgx: DIMGX_TARGET_SAME: [^\n]*\n$/);
    expect((await readdir(folder)).sort()).toEqual(['dangling', 'hard', 'old', 'symlink']);
    expect(await readFile(join(folder, 'old'), 'utf8')).toBe('old');
  });
});
