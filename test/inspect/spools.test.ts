import { readdir } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readRegion } from '#dimgx/base/io/region.js';
import { Resources } from '#dimgx/base/io/resources.js';
import { writeAt } from '#dimgx/base/io/spool.js';
import { extractLayers } from '#dimgx/extract/extract-layers.js';
import { inspectLayers } from '#dimgx/inspect/inspect-layers.js';
import { Spools, type TakenPlace } from '#dimgx/inspect/spools.js';
import type { IndexedLayer } from '#dimgx/layer/layer-index.js';
import { flattenLayers } from '../helpers/flatten-layers.js';
import { cannotMount, smallDisk } from '../helpers/mounts.js';
import { opened } from '../helpers/opened.js';
import { diskFolder, packedImage } from '../helpers/packed-layers.js';
import { rawLayer } from '../helpers/raw-layer.js';
import { noise } from '../helpers/sample-image.js';

const MIB = 2 ** 20;

function spoolsIn(folder: string): Spools {
  const resources = new Resources();
  onTestFinished(() => resources.close());
  return new Spools(folder, resources);
}

async function taken(spools: Spools, length: number): Promise<TakenPlace> {
  const place = await spools.take(length);
  if (!place) throw new Error('no room');
  return place;
}

async function fill({ file, offset }: TakenPlace, bytes: Uint8Array): Promise<void> {
  await writeAt(await file.hold(), bytes, offset);
  file.release();
}

test('on a disk there are no spools', async () => {
  expect(await spoolsIn(await diskFolder()).take(1)).toBeUndefined();
  expect(await spoolsIn('/nowhere').take(1)).toBeUndefined();
});

describe.skipIf(cannotMount())('in a memory-backed folder (needs mount)', () => {
  test('all who ask at once get at most half of the free space, and none gets too little', async () => {
    const spools = spoolsIn(await smallDisk(64 * MIB));
    const places = await Promise.all(Array.from({ length: 20 }, () => spools.take(MIB)));
    const got = places.filter((place) => place !== undefined);
    expect(got.length).toBeGreaterThan(1);
    expect(got.length).toBeLessThan(20);
    for (const { room } of got) expect(room).toBeGreaterThanOrEqual(4 * MIB);
    expect(got.reduce((sum, { room }) => sum + room, 0)).toBeLessThanOrEqual(32 * MIB);
  });

  test('what is given back is used again, and what is kept stays as it is', async () => {
    const folder = await smallDisk(64 * MIB);
    const spools = spoolsIn(folder);
    const bytes = noise(3 * MIB + 7);
    const first = await taken(spools, MIB);
    await fill(first, bytes);
    await first.giveBack(bytes.length);
    for (let i = 0; i < 20; i++) {
      const next = await taken(spools, MIB);
      expect(next.offset).toBeGreaterThanOrEqual(first.offset + bytes.length);
      await fill(next, Buffer.alloc(2 * MIB, 'x'));
      await next.giveBack(0);
    }
    const again = Buffer.alloc(bytes.length);
    await readRegion({ file: first.file, offset: first.offset, length: bytes.length })(again, 0);
    expect(again.equals(bytes)).toBe(true);
    expect(await readdir(folder)).toEqual([]);
  });

  const layers = Array.from({ length: 4 }, (_, i) =>
    rawLayer([
      { name: `z${i}`, content: noise(MIB + i * 1000).toString('latin1') },
      { name: `a${i}`, content: 'x'.repeat(MIB) },
    ]),
  );

  /** How many layers were kept uncompressed, and the tar. */
  async function flattenedIn(tmpDir: string) {
    const image = await opened(await packedImage(layers.map((layer) => [layer, 'gzip'])));
    const indexes = await inspectLayers(image, { tmpDir });
    const kept = indexes.filter((index) => (index as IndexedLayer).bytes.compression === 'none').length;
    return { kept, tar: await buffer(extractLayers(indexes, { tmpDir })) };
  }

  test.each([
    ['that has room, all are kept', 128 * MIB, 4, 4],
    ['that has some room, some are kept', 24 * MIB, 1, 3],
    ['that has no room, none is kept', MIB, 0, 0],
  ])('%s, and the output is the same', async (_, size, least, most) => {
    const { kept, tar } = await flattenedIn(await smallDisk(size));
    expect(kept).toBeGreaterThanOrEqual(least);
    expect(kept).toBeLessThanOrEqual(most);
    expect(tar.equals((await flattenLayers(layers)).tar)).toBe(true);
  });
});
