import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { diffIdOf, imageIdOf, layerOf } from '../helpers/built-image.js';
import { docker25Archive, dockerArchive, dockerV1Archive, legacyIdOf } from '../helpers/docker-archive.js';
import { archiveOf, writeArchive } from '../helpers/members.js';
import { startDimgx } from '../helpers/run-dimgx.js';
import { callDimgx } from '../helpers/shared-dimgx.js';

const BASE = await layerOf({ 'etc/motd': 'hello\n' });
const TOP = await layerOf({ 'etc/motd': 'hello again\n', 'etc/issue': '12345' });
const IMAGE = {
  tags: ['nifty-box:latest'],
  layers: [BASE, TOP],
  config: {
    history: [
      { created: '2015-06-14T15:00:00Z', created_by: 'ADD rootfs' },
      { created: '2015-06-14T16:00:00Z', created_by: 'ENV A=\x1b[2J', empty_layer: true },
      { created: '2015-06-14T17:00:00Z', created_by: 'RUN greet' },
    ],
  },
};
const TOP_ID = legacyIdOf([BASE, TOP]).slice(0, 12);
const BASE_ID = legacyIdOf([BASE]).slice(0, 12);

/** The cells of a table, without what changes with the clock. */
function cellsOf(table: string): readonly (readonly string[])[] {
  return table
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => line.split(/ {3,}/).filter((cell) => !cell.endsWith(' ago')));
}

test('a table of layers and of steps without one, newest first', async () => {
  const { stdout, stderr, code } = await callDimgx(await writeArchive(dockerArchive([IMAGE])));
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
  const topId = stdout.split('\n')[1]?.split(/ {3,}/)[1] ?? '';
  expect([TOP_ID, imageIdOf(IMAGE).slice(0, 12)]).toContain(topId);
  expect(cellsOf(stdout)).toEqual([
    ['nifty-box', topId, BASE_ID, '17 B', '23 B', 'RUN greet'],
    ['-', '<missing>', BASE_ID, '0 B', '6 B', 'ENV A=\\x1b[2J'],
    ['-', BASE_ID, '-', '6 B', '6 B', 'ADD rootfs'],
  ]);
});

test('compressed layers are listed by their stored size', async () => {
  const archive = docker25Archive([IMAGE], { gzip: true });
  const { stdout, code } = await callDimgx('--json', await writeArchive(archive));
  expect(code).toBe(0);
  expect(JSON.parse(stdout).layers).toMatchObject([
    { position: 2, compression: 'gzip', size: null, diffId: diffIdOf(TOP), createdBy: 'RUN greet' },
    { position: 1, compression: 'gzip', size: null, diffId: diffIdOf(BASE), createdBy: 'ADD rootfs' },
  ]);
});

test('--quiet lists IDs that -l takes', async () => {
  const path = await writeArchive(dockerArchive([IMAGE]));
  const { stdout } = await callDimgx('-q', path);
  const ids = stdout.trimEnd().split('\n');
  expect(ids).toHaveLength(2);
  expect(ids.every((id) => /^[0-9a-f]{12}$/.test(id))).toBe(true);
  const specs = ids.flatMap((id) => ['-l', id]);
  expect((await callDimgx('-rq', ...specs, path)).stdout).toBe(stdout);
  expect((await callDimgx('-q', ...specs, path)).stdout.trimEnd().split('\n')).toEqual(ids.toReversed());
});

test('--json honours the selection, and tells what serves the image', async () => {
  const path = await writeArchive(dockerArchive([IMAGE]));
  const { stdout } = await callDimgx('--json', '-l@1', path);
  expect(JSON.parse(stdout)).toMatchObject({
    reference: path,
    source: { transport: 'docker-archive', location: path },
    id: imageIdOf(IMAGE),
    tags: ['nifty-box:latest'],
    platform: { os: 'linux', architecture: 'amd64', variant: null },
    layers: [{ position: 1, size: 6, storedSize: BASE.length, diffId: diffIdOf(BASE) }],
    history: [{ layer: 1, createdBy: 'ADD rootfs' }],
  });
});

describe('a spec that names no layer', () => {
  test('is warned of, and what remains is listed', async () => {
    const path = await writeArchive(dockerArchive([IMAGE]));
    const { stdout, stderr, code } = await callDimgx('-q', '-l', 'beefbeef', '-l', '@1', path);
    expect({ stdout, code }).toEqual({ stdout: `${BASE_ID}\n`, code: 0 });
    expect(stderr).toMatch(/^dimgx: warning: DIMGX_LAYER_SPEC_UNRESOLVED: .*"beefbeef".*\n$/);
  });

  test('is exit 3 with --strict', async () => {
    const path = await writeArchive(dockerArchive([IMAGE]));
    const { stdout, stderr, code } = await callDimgx('-qs', '-l', 'beefbeef', path);
    expect({ stdout, code }).toEqual({ stdout: '', code: 3 });
    expect(stderr).toMatch(/^dimgx: DIMGX_LAYER_SPEC_INVALID: .*"beefbeef".*\n$/);
  });
});

describe('an archive of 2015 with two images of 16 layers', async () => {
  const idOf = (chain: number, age: number) => `${chain}${age.toString(16)}`.repeat(32);
  const layer = await layerOf({ x: 'x' });
  const chains = [0, 1].map((chain) =>
    Array.from({ length: 16 }, (_, age) => ({
      id: idOf(chain, age),
      layer,
      ...(age > 0 && { parent: idOf(chain, age - 1) }),
      ...(age === 15 && { tags: [`chain:${chain}`] }),
      ...(age === 4 && { tags: [`inner:${chain}`] }),
    })),
  );
  const members = dockerV1Archive(chains.flat());

  test.each([
    ['-q', Array.from({ length: 16 }, (_, index) => 15 - index)],
    ['-q -l12', [2]],
    ['-q -l12 -r', [2]],
    ['-q -l12:15', [5, 4, 3, 2]],
    ['-q -l15:12', [2, 3, 4, 5]],
    ['-q -l15:12 -r', [5, 4, 3, 2]],
    ['-q -l11 -l12 -l11 -l1a', [10, 1, 2]],
    ['-q -linner:1:12', [2, 3, 4]],
    ['-q -lchain:1 -l1', [15]],
    ['-q -l12:02', []],
    ['-q -l02', []],
  ])('%s', async (line, ages) => {
    const path = await writeArchive(members);
    const { stdout, code } = await callDimgx(...line.split(' '), '--image', 'chain:1', path);
    expect(code).toBe(0);
    expect(stdout).toBe(ages.map((age) => `${idOf(1, age).slice(0, 12)}\n`).join(''));
  });
});

describe.skipIf(process.platform === 'win32')('a signal', () => {
  /** Feeds an archive that does not end, until the bar shows that work is under way. */
  async function startEndless() {
    const running = startDimgx('--progress=always', '-');
    const { stdin, stderr } = running.process;
    stdin.write(await archiveOf(dockerArchive([IMAGE])).then((archive) => archive.subarray(0, 512)));
    const feeder = setInterval(() => stdin.write(Buffer.alloc(2 ** 20)), 20);
    running.process.once('exit', () => clearInterval(feeder));
    await once(stderr, 'data');
    return running;
  }

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s ends it by that signal, without a word', async (signal) => {
    const { process: child, ended } = await startEndless();
    child.kill(signal);
    const { stdout, stderr, signal: diedOf } = await ended;
    expect({ stdout, diedOf }).toEqual({ stdout: '', diedOf: signal });
    expect(stderr).not.toContain('DIMGX');
  });
});
