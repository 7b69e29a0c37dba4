import { mkdtemp, readdir, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { DimgxError } from '#dimgx/errors.js';
import { KeptRanges } from '#dimgx/extract/read/kept-ranges.js';
import { REORDER_MEMORY, ReorderBuffer } from '#dimgx/extract/read/reorder-buffer.js';
import { seeded } from '../../fuzz/random.js';
import { cannotMount, smallDisk } from '../../helpers/mounts.js';
import { noise } from '../../helpers/sample-image.js';
import { shortOrLong } from '../../helpers/short-or-long.js';

const MIB = 2 ** 20;
const bytes = noise(8 * MIB);

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'dimgx-test-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

function bufferIn(tmpDir: string): ReorderBuffer {
  const explain = (failure: unknown) =>
    failure instanceof DimgxError ? failure.retold(`told: ${failure.message}`) : failure;
  const buffer = new ReorderBuffer({ tmpDir, explain });
  onTestFinished(() => buffer.close());
  return buffer;
}

/** Leaves this many bytes of the memory free. */
async function filled(buffer: ReorderBuffer, left: number): Promise<void> {
  await buffer.save(Buffer.alloc(REORDER_MEMORY - left - 200));
}

/** Open files below a folder. */
async function openIn(folder: string): Promise<number> {
  const fds = await readdir('/proc/self/fd');
  const links = await Promise.all(fds.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')));
  return links.filter((link) => link.startsWith(folder)).length;
}

/** A layer whose ranges are kept: what has been saved, and not read as often as it will be. */
class ModelLayer {
  readonly kept: KeptRanges;
  readonly ranges: { from: number; to: number; left: number[] }[] = [];
  #end = 0;

  constructor(buffer: ReorderBuffer) {
    this.kept = new KeptRanges(buffer);
  }

  async save(gap: number, length: number, reads: number): Promise<void> {
    const from = this.#end + gap;
    const to = from + length;
    this.#end = to;
    await this.kept.save({ from, to, reads }, bytes.subarray(from, to));
    this.ranges.push({ from, to, left: Array.from({ length: reads }, () => from) });
  }

  /** Reads the next part of a random range. */
  async read(random: (limit: number) => number): Promise<void> {
    const place = random(this.ranges.length);
    const range = this.ranges[place];
    if (!range) return;
    const at = range.left[0] as number;
    const into = Buffer.alloc(Math.min(1 + random(9000), bytes.length - at));
    const done = await this.kept.read(at, into);
    expect(done).toBe(Math.min(into.length, range.to - at));
    expect(into.subarray(0, done).equals(bytes.subarray(at, at + done))).toBe(true);
    range.left[0] = at + done;
    if (range.left[0] === range.to) range.left.shift();
    if (range.left.length === 0) this.ranges.splice(place, 1);
  }
}

describe('ranges of several layers in one buffer', () => {
  test.each([
    ['in memory', REORDER_MEMORY - MIB],
    ['in a file', 0],
    ['in both', 200_000],
  ])('come back as they were saved, in any order and as often as they are read: %s', async (_, left) => {
    const random = seeded(left);
    const folder = await newFolder();
    const buffer = bufferIn(folder);
    await filled(buffer, left);
    const layers = [1, 2, 3, 4].map(() => new ModelLayer(buffer));
    const steps = async (layer: ModelLayer) => {
      for (let step = 0; step < shortOrLong(250, 800); step++) {
        if (random(2) === 0)
          await layer.save(random(3) * 512, 1 + random(random(10) === 0 ? 40_000 : 3000), 1 + random(2));
        else await layer.read(random);
      }
      while (layer.ranges.length > 0) await layer.read(random);
    };
    await Promise.all(layers.map(steps));
    expect(await openIn(folder)).toBe(left > MIB ? 0 : 1);
    expect(await readdir(folder)).toEqual([]);
    await buffer.close();
    expect(await openIn(folder)).toBe(0);
  });

  test('take memory again that others have left', async () => {
    const folder = await newFolder();
    const buffer = bufferIn(folder);
    for (let i = 0; i < 10; i++) {
      const layer = new KeptRanges(buffer);
      for (let from = 0; from < 8 * MIB; from += MIB) {
        await layer.save({ from, to: from + MIB, reads: 1 }, bytes.subarray(from, from + MIB));
      }
      for (let from = 0; from < 8 * MIB; from += MIB) await layer.read(from, Buffer.alloc(MIB));
    }
    expect(await openIn(folder)).toBe(0);
  });

  test('tell of a byte that was never kept', async () => {
    const layer = new KeptRanges(bufferIn(await newFolder()));
    await expect(layer.read(0, Buffer.alloc(1))).rejects.toThrow('was not kept');
    await layer.save({ from: 10, to: 20, reads: 1 }, bytes.subarray(10, 20));
    for (const at of [9, 20]) await expect(layer.read(at, Buffer.alloc(1))).rejects.toThrow('was not kept');
  });
});

test('a buffer may be closed while it saves', async () => {
  for (let i = 0; i < 20; i++) {
    const folder = await newFolder();
    const buffer = bufferIn(folder);
    await filled(buffer, 0);
    const saving = Promise.allSettled([1, 2, 3].map(() => buffer.save(bytes.subarray(0, 3 * MIB))));
    for (let turns = i; turns > 0; turns--) await Promise.resolve();
    await buffer.close();
    await saving;
    expect(await openIn(folder)).toBe(0);
  }
});

test('an error of the file is explained, at each call', async () => {
  const buffer = bufferIn('/nowhere');
  await filled(buffer, 0);
  for (let i = 0; i < 3; i++) {
    const failure = { code: 'DIMGX_SOURCE_NO_SPACE', message: expect.stringMatching(/^told: .*nowhere/) };
    await expect(buffer.save(bytes.subarray(0, 100))).rejects.toMatchObject(failure);
  }
});

test.skipIf(cannotMount())(
  'reports a full disk when bytes are saved or read, and not later (needs mount)',
  async () => {
    const buffer = bufferIn(await smallDisk(2 * MIB));
    await filled(buffer, 0);
    const layer = new KeptRanges(buffer);
    const failure = { code: 'DIMGX_SOURCE_NO_SPACE', message: expect.stringMatching(/^told: /) };
    const all = async () => {
      for (let from = 0; from < 8 * MIB; from += MIB / 2) {
        await layer.save({ from, to: from + MIB / 2, reads: 1 }, bytes.subarray(from, from + MIB / 2));
      }
    };
    await expect(all()).rejects.toMatchObject(failure);
    const some = bufferIn(await smallDisk(4096));
    await filled(some, 0);
    const kept = await some.save(bytes.subarray(0, 9000));
    await expect(some.read(kept, 0, Buffer.alloc(9000))).rejects.toMatchObject(failure);
  },
);
