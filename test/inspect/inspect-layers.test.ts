import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Warning } from '#dimgx/errors.js';
import type { StoredLayer } from '#dimgx/image/layer.js';
import { inspectLayers } from '#dimgx/inspect/inspect-layers.js';
import type { IndexedLayer, LayerIndex } from '#dimgx/layer/layer-index.js';
import type { Digest } from '#dimgx/reference/digest.js';
import { sha256 } from '../helpers/built-image.js';
import { imageValue, layerValue } from '../helpers/image-value.js';
import { temporaryFolder } from '../helpers/members.js';
import { longHeader, paxHeader, rawEntry, rawTar } from '../helpers/raw-tar.js';
import { shortOrLong } from '../helpers/short-or-long.js';
import { regionOf } from '../helpers/stored-region.js';

const entry = (name: string, contents = '') => rawEntry({ name }, contents);
const digest = (bytes: Uint8Array): Digest => `sha256:${sha256(bytes)}`;

const small = rawTar(entry('a', 'hello'), paxHeader({ path: 'named by pax' }), entry('x'));
const large = rawTar(...Array.from({ length: 3000 }, (_, i) => entry(`dir/file ${i}`, 'x'.repeat((i * 7) % 3000))));

/** Layers in one file, each as its bytes are: compressed where they begin like gzip. */
async function layersOf(stored: readonly { bytes: Uint8Array; plain?: Uint8Array; parts?: Partial<StoredLayer> }[]) {
  const path = join(await temporaryFolder(), 'layers');
  await writeFile(path, Buffer.concat(stored.map(({ bytes }) => bytes)));
  const file = await open(path);
  onTestFinished(() => file.close());
  let offset = 0;
  return stored.map(({ bytes, plain = bytes, parts }, i) => {
    const blob = { ...regionOf(file, bytes.length), offset };
    offset += bytes.length;
    const compression = bytes[0] === 0x1f ? ('gzip' as const) : ('none' as const);
    return layerValue({
      blob,
      compression,
      digest: digest(bytes),
      diffId: digest(plain),
      name: `layer ${i}`,
      ...parts,
    });
  });
}

const zipped = (plain: Uint8Array, parts: Partial<StoredLayer> = {}) => ({ bytes: gzipSync(plain), plain, parts });

function shown(index: LayerIndex) {
  const { entries, contentSize, bytes, warnings } = index as IndexedLayer;
  const list = Array.from({ length: entries.length }, (_, i) => ({
    path: Buffer.from(entries.path(i)).toString(),
    link: Buffer.from(entries.link(i)).toString(),
    type: entries.type(i),
    flags: entries.flags(i),
    place: [entries.start(i), entries.headerOffset(i), entries.dataOffset(i), entries.end(i)],
    ...entries.metadata(i),
  }));
  return { list, contentSize, length: bytes.length, warnings };
}

describe('layers are inspected', () => {
  test.each(shortOrLong([1, 2, 8], [1, 2, 3, 4, 5, 6, 7, 8]))('alike by %i threads', async (threads) => {
    const layers = await layersOf([{ bytes: large }, zipped(large), { bytes: small }, zipped(small), zipped(large)]);
    const image = imageValue(layers);
    onTestFinished(() => image.close());
    const indexes = await inspectLayers(image, { threads });
    expect(indexes.map(({ layer }) => layer)).toEqual(layers.toReversed());
    const [fifth, fourth, third, second, first] = indexes.map(shown);
    expect([fifth, second]).toEqual([first, first]);
    expect(fourth).toEqual(third);
    expect(first?.list).toHaveLength(3000);
    expect(third).toMatchObject({
      contentSize: 5,
      length: small.length,
      list: [
        { path: 'a', place: [0, 0, 512, 1024] },
        { path: 'named by pax', place: [1024, 2048, 2560, 2560] },
      ],
    });
    for (const { verified, layer } of indexes) {
      expect(await verified).toEqual({ digest: layer.digest, diffId: layer.diffId });
    }
  });

  test('in the order of the selection, the same bytes once', async () => {
    const [layer] = (await layersOf([{ bytes: large }])) as [StoredLayer];
    const image = imageValue([layer, { ...layer, name: 'again' }]);
    onTestFinished(() => image.close());
    const indexes = await inspectLayers(image);
    expect(indexes.map(({ layer: { name }, place }) => [name, place.position])).toEqual([
      ['again', 1],
      ['layer 0', 0],
    ]);
    expect(indexes[0]?.entries).toBe(indexes[1]?.entries);
  });

  test('with a warning each for what is odd, under their names', async () => {
    const sparse = rawEntry({ type: 'S', magic: 'ustar  \0', patch: { 483: '00000001000\0' } });
    const image = imageValue(await layersOf([{ bytes: Buffer.concat([rawTar(sparse), Buffer.from('junk')]) }]));
    onTestFinished(() => image.close());
    const warnings: Warning[] = [];
    const [index] = await inspectLayers(image, { onWarning: (warning) => warnings.push(warning) });
    expect(warnings.map(({ code }) => code)).toEqual(['DIMGX_ENTRY_SPARSE', 'DIMGX_LAYER_TRAILING_DATA']);
    expect(warnings.every(({ message }) => message.startsWith('layer layer 0: '))).toBe(true);
    await index?.verified;
    await expect(inspectLayers(image, { strictInput: true })).rejects.toMatchObject({ code: 'DIMGX_ENTRY_SPARSE' });
  });
});

describe('what is not as its digests say', () => {
  const other: Digest = `sha256:${'0'.repeat(64)}`;
  const mismatch = expect.objectContaining({ code: 'DIMGX_IMAGE_DIGEST_MISMATCH' });

  test.each([
    ['the digest of a stored layer', { bytes: large, parts: { digest: other } }],
    ['the diff ID of a stored layer', { bytes: large, parts: { diffId: other } }],
    ['a small layer', { bytes: small, parts: { diffId: other } }],
  ])('%s, is told when its bytes have been hashed', async (_, stored) => {
    const image = imageValue(await layersOf([stored]));
    onTestFinished(() => image.close());
    const [index] = await inspectLayers(image);
    await expect(index?.verified).rejects.toEqual(mismatch);
    const [unverified] = await inspectLayers(image, { verify: false });
    expect(await unverified?.verified).toEqual({});
  });

  test.each([
    ['the digest of a compressed layer', zipped(large, { digest: other })],
    ['the diff ID of a compressed layer', zipped(large, { diffId: other })],
  ])('%s, is told at once', async (_, stored) => {
    const image = imageValue(await layersOf([stored]));
    onTestFinished(() => image.close());
    await expect(inspectLayers(image)).rejects.toEqual(mismatch);
    await expect(inspectLayers(image, { verify: false })).resolves.toHaveLength(1);
  });

  test('the same bytes under two diff IDs, is told of the one that is wrong', async () => {
    const [layer] = (await layersOf([{ bytes: large }])) as [StoredLayer];
    const image = imageValue([layer, { ...layer, diffId: other, name: 'wrong' }]);
    onTestFinished(() => image.close());
    const [wrong, right] = await inspectLayers(image);
    await expect(wrong?.verified).rejects.toEqual(mismatch);
    await expect(right?.verified).resolves.toEqual({ digest: layer.digest, diffId: layer.diffId });
  });

  test('sha512 is compared too', async () => {
    const { createHash } = await import('node:crypto');
    const sha512 = `sha512:${createHash('sha512').update(large).digest('hex')}` as Digest;
    const image = imageValue(
      await layersOf([{ bytes: large, parts: { digest: sha512 } }, zipped(large, { diffId: sha512 })]),
    );
    onTestFinished(() => image.close());
    for (const index of await inspectLayers(image)) await expect(index.verified).resolves.toBeDefined();
  });
});

describe('limits', () => {
  test.each([
    ['stored', { bytes: large }],
    ['compressed', zipped(large)],
  ])('are kept to the entry and the byte: %s', async (_, stored) => {
    const image = imageValue(await layersOf([stored]));
    onTestFinished(() => image.close());
    const inspect = (limits: object) => inspectLayers(image, { limits, verify: false });
    await expect(inspect({ maxEntries: 3000, maxSize: large.length })).resolves.toHaveLength(1);
    await expect(inspect({ maxEntries: 2999 })).rejects.toMatchObject({ code: 'DIMGX_LIMIT_ENTRIES' });
    await expect(inspect({ maxSize: large.length - 1 })).rejects.toMatchObject({ code: 'DIMGX_LIMIT_SIZE' });
  });

  test('hold for the names of a layer: a link target is no longer than Linux takes it', async () => {
    const target = (length: number) => rawTar(longHeader('K', 't'.repeat(length)), rawEntry({ type: '2' }));
    const image = imageValue(await layersOf([{ bytes: target(4095) }]));
    onTestFinished(() => image.close());
    await expect(inspectLayers(image)).resolves.toHaveLength(1);
    const worse = imageValue(await layersOf([{ bytes: target(4096) }]));
    onTestFinished(() => worse.close());
    await expect(inspectLayers(worse)).rejects.toMatchObject({ code: 'DIMGX_ENTRY_UNSAFE_NAME' });
  });
});

describe('work that is cancelled', () => {
  const zeros = rawTar(rawEntry({ name: 'zeros' }, Buffer.alloc(64 * 2 ** 20)));

  test('ends when the signal says so', async () => {
    const image = imageValue(await layersOf([zipped(zeros), zipped(zeros, { diffId: digest(zeros), name: 'b' })]));
    onTestFinished(() => image.close());
    const controller = new AbortController();
    const work = inspectLayers(image, { signal: controller.signal, onProgress: () => controller.abort() });
    await expect(work).rejects.toMatchObject({ code: 'DIMGX_ABORTED' });
    await expect(inspectLayers(image, { signal: controller.signal })).rejects.toMatchObject({ code: 'DIMGX_ABORTED' });
  });

  test('ends when the image is closed, and what was to be verified is not', async () => {
    const image = imageValue(await layersOf([{ bytes: zeros }]));
    const [index] = await inspectLayers(image, { threads: 1 });
    await image.close();
    await expect(index?.verified).rejects.toMatchObject({ code: 'DIMGX_ABORTED' });
  });

  test('fails when the source became shorter', async () => {
    const [layer] = (await layersOf([{ bytes: large }])) as [StoredLayer];
    const image = imageValue([layerValue({ ...layer, blob: { ...layer.blob, length: large.length + 4096 } })]);
    onTestFinished(() => image.close());
    const work = inspectLayers(image).then(([index]) => index?.verified);
    await expect(work).rejects.toMatchObject({ code: 'DIMGX_SOURCE_CHANGED' });
  });
});
