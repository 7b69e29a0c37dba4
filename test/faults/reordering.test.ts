import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { configOf, diffIdOf, sha256 } from '../helpers/built-image.js';
import { text } from '../helpers/codec-samples.js';
import { lacks } from '../helpers/engines.js';
import { type FaultyRun, outcomeOf, startFaulty } from '../helpers/faulty-run.js';
import { archiveOf } from '../helpers/members.js';
import { few, MOMENTS, moments, WITH_MOMENTS } from '../helpers/moments.js';
import { cannotMount, smallDisk } from '../helpers/mounts.js';
import { rawEntry, rawTar } from '../helpers/raw-tar.js';
import { runScript } from '../helpers/run-script.js';
import { inTurn } from '../helpers/short-or-long.js';
import { storedLayer } from '../helpers/stored-layer.js';

vi.setConfig(WITH_MOMENTS);

/*
 * An image whose one layer has its files in the reverse order of the output: all but one wait in the reorder buffer,
 * 32 MiB of them in memory, the rest in its file.
 */

const MIB = 2 ** 20;
const PAGE = 4096;
const FILES = 44;
const ENTRY = 512 + MIB;
const OUT_OF_ORDER = (FILES - 1) * ENTRY;
/** At least so many bytes are in the file: memory takes whole pieces of the layer, which are smaller than `PIECE`. */
const IN_FILE = OUT_OF_ORDER - 32 * MIB;
const PIECE = MIB;
const ARGS = '--tmp-dir "$tmp" -t "$target" "$image"';

let folder: string;
let image: string;
let whole: Buffer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dimgx-test-'));
  image = join(folder, 'image.tar');
  const lines = text(2 * MIB);
  const names = Array.from({ length: FILES }, (_, i) => `file-${99 - i}`);
  const layer = rawTar(...names.map((name, i) => rawEntry({ name }, lines.subarray(i * 1000, i * 1000 + MIB))));
  await writeFile(image, await archiveOf(storedLayer(gzipSync(layer, { level: 1 }), diffIdOf(layer))));
  whole = rawTar(...names.map((name, i) => rawEntry({ name }, lines.subarray(i * 1000, i * 1000 + MIB))).reverse());
});
afterAll(() => rm(folder, { recursive: true }));

describe.skipIf(cannotMount())('a disk for the reorder file (needs mount)', () => {
  test('that is too small, by much or by little: what was needed is said', async () => {
    const most = Math.floor((IN_FILE - 1) / PAGE) * PAGE;
    const sizes = [
      ...moments(most - 16 * PAGE, MOMENTS - 1).map((more) => 16 * PAGE + Math.floor(more / PAGE) * PAGE),
      most,
    ];
    for (const size of few(sizes)) {
      const run = await startFaulty({ args: ARGS, image, tmp: await smallDisk(size) });
      expect({ size, ...(await outcomeOf(run, whole)) }).toEqual({
        size,
        end: 'DIMGX_SOURCE_NO_SPACE',
        target: 'none',
      });
      expect(run.said()).toContain(`the output needs ${OUT_OF_ORDER} bytes of the layers in another order`);
    }
  });

  test('that is just large enough, give or take a piece', async () => {
    const run = await startFaulty({
      args: ARGS,
      image,
      tmp: await smallDisk(Math.ceil((IN_FILE + PIECE) / PAGE) * PAGE),
    });
    expect(await outcomeOf(run, whole)).toEqual({ end: 'done', target: 'whole' });
  });

  test.skipIf(lacks('zstd'))('that is too small for a layer that is decoded before the others', async () => {
    const lines = text(2 * MIB);
    const entries = [36, 40].map((mib, i) => rawEntry({ name: `${i}` }, Buffer.alloc(mib * MIB, lines)));
    const layers = entries.map((entry) => rawTar(entry));
    const config = configOf({ layers });
    const name = `${sha256(config)}.json`;
    const stored = layers.map((layer, i) => [`l${i}`, withLargeWindow(layer)] as const);
    const manifest = JSON.stringify([{ Config: name, Layers: ['l0', 'l1'] }]);
    const path = join(folder, 'windows.tar');
    await writeFile(path, await archiveOf([[name, config], ...stored, ['manifest.json', manifest]]));
    const run = await startFaulty({ args: ARGS, image: path, tmp: await smallDisk(64 * PAGE) });
    expect(await outcomeOf(run, rawTar(...entries))).toEqual({ end: 'DIMGX_SOURCE_NO_SPACE', target: 'none' });
    expect(run.said()).toContain(`the output needs ${512 + 36 * MIB} bytes of layers that are decoded first`);
  });
});

/** Compresses a layer so that its decoder needs a window of 128 MiB. */
function withLargeWindow(input: Buffer): Buffer {
  return execFileSync('zstd', ['-1', '--long=27', '--zstd=wlog=27', '-q', '-c'], { input, maxBuffer: 2 ** 28 });
}

describe.skipIf(lacks('strace'))('what the system says of the reorder file (needs strace)', () => {
  test.each(['ENOSPC', 'EDQUOT', 'EIO'])('%s at any one write', async (error) => {
    for (const at of few(moments(IN_FILE / MIB)).map((moment) => 1 + Math.floor(moment))) {
      // strace counts the calls of each thread for itself: here one makes them all.
      const strace = `strace -f -qq -o /dev/null -e trace=pwrite64 -e inject=pwrite64:error=${error}:when=${at}`;
      const run = await startFaulty({ args: ARGS, image, under: `env UV_THREADPOOL_SIZE=1 ${strace}` });
      expect({ at, ...(await outcomeOf(run, whole)) }).toEqual({ at, end: 'DIMGX_SOURCE_NO_SPACE', target: 'none' });
    }
  });
});

/** Waits until the run has a temporary file. */
async function untilFile({ child, tmp }: FaultyRun): Promise<void> {
  for (;;) {
    const fds = await readdir(`/proc/${child.pid}/fd`).catch(() => undefined);
    if (!fds) return;
    const links = await Promise.all(fds.map((fd) => readlink(`/proc/${child.pid}/fd/${fd}`).catch(() => '')));
    if (links.some((link) => link.startsWith(tmp))) return;
    await sleep(1);
  }
}

test.skipIf(process.platform !== 'linux')(
  'a signal while the reorder file is in use leaves nothing (needs /proc)',
  async () => {
    let killed = 0;
    const signals = ['SIGKILL', 'SIGINT', 'SIGTERM'] as const;
    for (const [at, delay] of moments(60).entries()) {
      const run = await startFaulty({ args: ARGS, image });
      await untilFile(run);
      await sleep(delay);
      const signal = signals[at % signals.length] as NodeJS.Signals;
      run.child.kill(signal);
      const { end } = await outcomeOf(run, whole);
      if (end === 'done') continue;
      expect(end).toBe(signal);
      killed++;
    }
    expect(killed).toBeGreaterThan(0);
  },
);

test('a reader that goes away ends it with 141 and without a word', async () => {
  for (const bytes of few(moments((FILES - 1) * MIB)).map(Math.floor)) {
    const script = `dimgx -t - "$1" | head -c ${bytes} | wc -c; echo $PIPESTATUS`;
    const { stdout, stderr } = await runScript(script, image);
    expect({ stdout: stdout.toString(), stderr }).toEqual({ stdout: `${bytes}\n141\n`, stderr: '' });
  }
});

test('few descriptors are enough, or too few', async () => {
  for (const limit of inTurn([26, 28, 30, 32, 34, 36, 40, 50])) {
    const run = await startFaulty({ args: ARGS, image, under: `prlimit --nofile=${limit}` });
    expect(['done', 'DIMGX_TOO_MANY_FILES'], `${limit}`).toContain((await outcomeOf(run, whole)).end);
  }
  const run = await startFaulty({ args: ARGS, image, under: 'prlimit --nofile=50' });
  expect((await outcomeOf(run, whole)).end).toBe('done');
});
