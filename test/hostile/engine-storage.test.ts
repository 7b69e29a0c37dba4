import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { Limits } from '#dimgx/base/limits.js';
import { extractLayers } from '#dimgx/extract/extract-layers.js';
import { inspectLayers } from '#dimgx/inspect/inspect-layers.js';
import { openImage } from '#dimgx/source/resolve.js';
import { configOf, imageIdOf } from '../helpers/built-image.js';
import { containersStore, dockerStore, type StoredImageSpec } from '../helpers/engine-stores.js';
import { flattenImage } from '../helpers/flatten-image.js';
import { temporaryFolder } from '../helpers/members.js';
import { rawHeader, rawLayer } from '../helpers/raw-layer.js';
import { crc64, splitLayer, splitText } from '../helpers/tar-split.js';

const SECRET = 'a secret of the host';
const LAYER = rawLayer([
  { name: 'etc/', type: '5' },
  { name: 'etc/passwd', content: 'root:x:0:0:of the layer' },
  { name: 'usr/bin/tool', content: 'tool'.repeat(50_000) },
]);
const IMAGE: StoredImageSpec = { tags: ['app:1'], layers: [LAYER] };

const refused = (code: string, ...says: readonly string[]) =>
  expect.objectContaining({ code, message: expect.stringMatching(new RegExp(says.join('.*'), 's')) });

function replaced(path: string, make: (path: string) => unknown): void {
  rmSync(path);
  make(path);
}

async function hostileStore(change: (folder: string) => void) {
  const store = await dockerStore([IMAGE]);
  change(store.layerFolder(IMAGE, 0));
  return store.folder;
}

/** Replaces the tar-split document of the only layer. */
async function withDocument(document: Buffer, image = IMAGE) {
  const store = await dockerStore([image]);
  writeFileSync(store.tarSplit(image, 0), document);
  return store.folder;
}

describe('a file that was changed under an image is named with its layer and its times', () => {
  const changes: Record<string, readonly [change: (path: string) => void, says: string]> = {
    missing: [(path) => rmSync(path), 'is missing'],
    shorter: [(path) => writeFileSync(path, 'short'), 'is shorter \\(5 bytes instead of 23\\)'],
    longer: [(path) => writeFileSync(path, 'x'.repeat(24)), 'is longer \\(24 bytes instead of 23\\)'],
    changed: [(path) => writeFileSync(path, 'root:x:0:0:of an attack'), 'has other contents'],
    'a folder': [(path) => replaced(path, mkdirSync), 'is not a regular file any more'],
    'a FIFO': [(path) => replaced(path, () => execFileSync('mkfifo', [path])), 'is not a regular file any more'],
    'a link to a device': [
      (path) => replaced(path, () => symlinkSync('/dev/null', path)),
      'is not a regular file any more',
    ],
  };

  test.each(Object.entries(changes))('%s', async (_, [change, says]) => {
    const folder = await hostileStore((layer) => change(`${layer}/etc/passwd`));
    const failure = await flattenImage(`docker-root:${folder}`).catch((error: unknown) => error);
    expect(failure).toEqual(refused('DIMGX_STORE_FILE_CHANGED', 'layer [0-9a-f]{12}: the file "etc/passwd"', says));
    expect(failure).toMatchObject({ path: 'etc/passwd', layer: expect.stringMatching(/^[0-9a-f]{12}$/) });
  });

  test('with the time of the change', async () => {
    const folder = await hostileStore((layer) => {
      writeFileSync(`${layer}/etc/passwd`, 'root:x:0:0:of an attack');
      utimesSync(`${layer}/etc/passwd`, 1_600_000_000, 1_600_000_000);
    });
    await expect(flattenImage(folder)).rejects.toEqual(
      refused('DIMGX_STORE_FILE_CHANGED', 'written 2020-09-13T12:26:40.000Z', 'inode changed 20'),
    );
  });

  test('without verification as well, if its size is another one', async () => {
    const folder = await hostileStore((layer) => writeFileSync(`${layer}/etc/passwd`, 'short'));
    await expect(flattenImage(folder, { verify: false })).rejects.toEqual(
      refused('DIMGX_STORE_FILE_CHANGED', 'layer '),
    );
  });

  test('between its hashing and the output', async () => {
    const store = await dockerStore([IMAGE]);
    await using image = await openImage(store.folder);
    const indexes = await inspectLayers(image);
    await Promise.all(indexes.map(({ verified }) => verified));
    const path = `${store.layerFolder(IMAGE, 0)}/etc/passwd`;
    const { atime, mtime } = statSync(path);
    writeFileSync(path, 'root:x:0:0:of an attack');
    utimesSync(path, atime, mtime);
    await expect(extractLayers(indexes).toArray()).rejects.toEqual(
      refused('DIMGX_STORE_FILE_CHANGED', 'was written while it was read'),
    );
  });
});

describe('nothing outside of the storage is opened', () => {
  test('by a symlink in place of a file', async () => {
    const outside = join(await temporaryFolder(), 'secret');
    writeFileSync(outside, SECRET.padEnd(23));
    const folder = await hostileStore((layer) => {
      rmSync(`${layer}/etc/passwd`);
      symlinkSync(outside, `${layer}/etc/passwd`);
    });
    await expect(flattenImage(folder, { verify: false })).rejects.toEqual(refused('DIMGX_STORE_FILE_CHANGED'));
  });

  test.each(['absolute', 'relative'])('by an %s symlink in place of a folder', async (kind) => {
    const outside = await temporaryFolder();
    writeFileSync(`${outside}/passwd`, SECRET.padEnd(23));
    const folder = await hostileStore((layer) => {
      rmSync(`${layer}/etc`, { recursive: true });
      symlinkSync(kind === 'absolute' ? outside : `${'../'.repeat(20)}${outside}`, `${layer}/etc`);
    });
    await expect(flattenImage(folder, { verify: false })).rejects.toEqual(
      refused('DIMGX_STORE_FILE_CHANGED', 'is missing'),
    );
  });

  test('by a symlink in place of the folder of a layer', async () => {
    const outside = await temporaryFolder();
    const folder = await hostileStore((layer) => {
      renameSync(layer, `${outside}/layer`);
      symlinkSync(`${outside}/layer`, layer);
    });
    await expect(flattenImage(folder)).rejects.toEqual(refused('DIMGX_STORE_DAMAGED', 'or it is a link'));
  });

  test.each(['../../../../etc', '/etc', 'a'.repeat(63), '..'])('by the folder name %s', async (name) => {
    const store = await dockerStore([IMAGE]);
    const record = store.tarSplit(IMAGE, 0).replace(/tar-split.*/, 'cache-id');
    writeFileSync(record, name);
    await expect(flattenImage(store.folder)).rejects.toEqual(refused('DIMGX_STORE_DAMAGED', 'malformed folder'));
  });

  test('by the names of entries', async () => {
    const outside = await temporaryFolder();
    writeFileSync(`${outside}/secret`, SECRET);
    const layer = rawLayer([{ name: 'x', content: SECRET }]);
    const { lines } = splitLayer(layer);
    const image = { ...IMAGE, layers: [layer] };
    const name = `${'../'.repeat(20)}${outside}/secret`;
    const folder = await withDocument(
      gzipSync(splitText(lines.map((line) => ({ ...line, ...(line.name && { name }) })))),
      image,
    );
    await expect(flattenImage(folder, { verify: false })).rejects.toEqual(refused('DIMGX_SOURCE_UNSAFE_PATH'));
  });

  test('by a symlink in place of a document', async () => {
    const store = await dockerStore([IMAGE]);
    const outside = join(await temporaryFolder(), 'split');
    renameSync(store.tarSplit(IMAGE, 0), outside);
    symlinkSync(outside, store.tarSplit(IMAGE, 0));
    await expect(flattenImage(store.folder)).rejects.toEqual(refused('DIMGX_SOURCE_BAD_MEMBER'));
  });

  test('by the IDs of layers in lists', async () => {
    const { folder } = await containersStore([IMAGE]);
    const lists = ['overlay-images/images.json', 'overlay-layers/layers.json'].map((name) => join(folder, name));
    for (const list of lists) {
      const text = readFileSync(list, 'utf8');
      const [layer = ''] = /(?<="layer":")[0-9a-f]{64}/.exec(readFileSync(lists[0] as string, 'utf8')) ?? [];
      writeFileSync(list, text.replaceAll(layer || '-', '../../../etc'));
    }
    await expect(flattenImage(folder)).rejects.toMatchObject({ code: /LAYER_BAD_PARENT|STORE_DAMAGED/ });
  });
});

describe('a document that lies or is damaged is an error', () => {
  const { lines } = splitLayer(LAYER);
  const whole = gzipSync(splitText(lines));
  const limits: Partial<Limits> = { maxSize: 10 * 2 ** 20, maxEntries: 1000 };

  test.each<[string, Buffer, string]>([
    ['cut', whole.subarray(0, whole.length / 2), 'DIMGX_STORE_DAMAGED'],
    ['not gzip', Buffer.from('hello'), 'DIMGX_STORE_DAMAGED'],
    ['empty', Buffer.alloc(0), 'DIMGX_STORE_DAMAGED'],
    ['not JSON', gzipSync('{"type":2\n'), 'DIMGX_STORE_DAMAGED'],
    ['of an unknown type', gzipSync('{"type":3}\n'), 'DIMGX_STORE_DAMAGED'],
    ['with a negative size', gzipSync('{"type":1,"name":"x","size":-5}\n'), 'DIMGX_STORE_DAMAGED'],
    ['with a fraction for a size', gzipSync('{"type":1,"name":"x","size":0.5}\n'), 'DIMGX_STORE_DAMAGED'],
    [
      'with a file without headers',
      gzipSync(`{"type":1,"name":"x","size":5,"payload":"${crc64(Buffer.alloc(0))}"}\n`),
      'DIMGX_STORE_DAMAGED',
    ],
    [
      'without a checksum',
      gzipSync(splitText(lines).replace(/"payload":"[\w+/]{11}="/g, '"payload":null')),
      'DIMGX_STORE_DAMAGED',
    ],
    [
      'with another size than the header',
      gzipSync(splitText(lines).replace('"size":23', '"size":22')),
      'DIMGX_STORE_DAMAGED',
    ],
    ['with a line of 3 MiB', gzipSync(`{"type":2,"payload":"${'A'.repeat(3 * 2 ** 20)}"}\n`), 'DIMGX_STORE_DAMAGED'],
    ['with a line without an end', gzipSync('A'.repeat(3 * 2 ** 20)), 'DIMGX_STORE_DAMAGED'],
    ['with 200,000 empty segments', gzipSync('{"type":2}\n'.repeat(200_000)), 'DIMGX_LIMIT_ENTRIES'],
    ['with 200,000 entries', gzipSync('{"type":1,"name":"x"}\n'.repeat(200_000)), 'DIMGX_LIMIT_ENTRIES'],
    [
      'with 20 MB of segments',
      gzipSync(`{"type":2,"payload":"${'A'.repeat(2 ** 20)}"}\n`.repeat(30)),
      'DIMGX_LIMIT_SIZE',
    ],
    ['with 40 MB of nothing', gzipSync('\n'.repeat(40_000_000)), 'DIMGX_LIMIT_ENTRIES'],
  ])('%s', async (_, document, code) => {
    await expect(flattenImage(await withDocument(document), { limits })).rejects.toMatchObject({ code });
  });

  test('with contents of 10^12 bytes', async () => {
    const header = rawHeader({ name: 'x', size: 10 ** 12 });
    const segment = { type: 2, payload: header.toString('base64') };
    const file = { type: 1, name: 'x', size: 10 ** 12, payload: crc64(Buffer.alloc(0)) };
    const folder = await withDocument(gzipSync(splitText([segment, file])));
    await expect(flattenImage(folder, { limits })).rejects.toMatchObject({ code: 'DIMGX_LIMIT_SIZE' });
  });

  test('with a header in a file, so that the index would not see what the digest covers', async () => {
    const hidden = rawLayer([{ name: 'hidden', content: 'h' }]);
    const layer = Buffer.concat([
      rawHeader({ name: 'shown', content: 'x'.repeat(512) }),
      Buffer.alloc(512, 'x'),
      hidden,
    ]);
    // The second header is said to be the contents of the first, and what follows to be the file of the second.
    const shown = Buffer.concat([rawHeader({ name: 'shown', content: 'x'.repeat(512) })]);
    const inside = rawHeader({ name: 'f', size: hidden.length });
    const image = { ...IMAGE, layers: [layer] };
    const store = await dockerStore([image]);
    const text = splitText([
      { type: 2, payload: shown.toString('base64') },
      { type: 1, name: 'shown' },
      { type: 2, payload: inside.toString('base64') },
      { type: 1, name: 'f', size: hidden.length, payload: crc64(hidden) },
    ]);
    writeFileSync(store.tarSplit(image, 0), gzipSync(text));
    writeFileSync(`${store.layerFolder(image, 0)}/f`, hidden);
    await expect(flattenImage(store.folder, { verify: false })).rejects.toEqual(
      refused('DIMGX_STORE_DAMAGED', 'not the contents of its entries'),
    );
  });
});

describe('a storage that is not whole', () => {
  test.each([
    ['a loop', (list: string) => list.replace('"flags"', `"parent":"${idIn(list)}","flags"`), 'they form a loop'],
    ['a missing layer', (list: string) => list.replace('"flags"', '"parent":"gone","flags"'), '"gone" is not in the'],
  ])('has %s of parents', async (_, change, says) => {
    const { folder } = await containersStore([IMAGE]);
    const path = join(folder, 'overlay-layers/layers.json');
    writeFileSync(path, change(readFileSync(path, 'utf8')));
    await expect(flattenImage(folder)).rejects.toEqual(refused('DIMGX_LAYER_BAD_PARENT', says));
  });

  test('has an incomplete layer', async () => {
    const { folder } = await containersStore([IMAGE]);
    const path = join(folder, 'overlay-layers/layers.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace('"flags":{}', '"flags":{"incomplete":true}'));
    await expect(flattenImage(folder)).rejects.toEqual(refused('DIMGX_STORE_DAMAGED', 'is incomplete'));
  });

  test('has a layer in composefs', async () => {
    const store = await containersStore([IMAGE]);
    mkdirSync(join(store.layerFolder(IMAGE, 0), '../composefs-data'));
    await expect(flattenImage(store.folder)).rejects.toEqual(refused('DIMGX_SOURCE_UNSUPPORTED', 'composefs'));
  });

  test('has a layer in an additional layer store', async () => {
    const store = await containersStore([IMAGE]);
    const layer = store.layerFolder(IMAGE, 0);
    renameSync(layer, `${layer}2`);
    symlinkSync(`${layer}2`, layer);
    await expect(flattenImage(store.folder)).rejects.toEqual(
      refused('DIMGX_SOURCE_UNSUPPORTED', 'additional layer store'),
    );
  });

  test('has a layer without tar-split', async () => {
    const store = await containersStore([IMAGE]);
    rmSync(store.tarSplit(IMAGE, 0));
    await expect(flattenImage(store.folder)).rejects.toEqual(refused('DIMGX_STORE_DAMAGED', 'tar-split'));
  });

  test('loses its image while it is read', async () => {
    const store = await dockerStore([IMAGE]);
    await using image = await openImage(store.folder);
    const indexes = await inspectLayers(image, { verify: false });
    rmSync(store.layerFolder(IMAGE, 0), { recursive: true });
    await expect(extractLayers(indexes).toArray()).rejects.toEqual(
      expect.objectContaining({ code: expect.stringMatching(/^DIMGX_(STORE|SOURCE)_/) }),
    );
  });

  test('loses its image before its layers are fetched', async () => {
    const store = await dockerStore([IMAGE]);
    await using image = await openImage(store.folder);
    rmSync(join(store.folder, 'image'), { recursive: true });
    await expect(inspectLayers(image)).rejects.toEqual(refused('DIMGX_STORE_DAMAGED', 'tar-split'));
  });

  test('has a config of other layers', async () => {
    const { folder } = await containersStore([IMAGE]);
    const two = { ...IMAGE, layers: [LAYER, LAYER] };
    const [id, other] = [imageIdOf(IMAGE), imageIdOf(two)];
    const place = join(folder, 'overlay-images');
    mkdirSync(join(place, other));
    writeFileSync(join(place, other, `=${Buffer.from(`sha256:${other}`).toString('base64')}`), configOf(two));
    writeFileSync(join(place, 'images.json'), readFileSync(join(place, 'images.json'), 'utf8').replaceAll(id, other));
    await expect(flattenImage(folder)).rejects.toMatchObject({ code: 'DIMGX_IMAGE_LAYER_COUNT' });
  });
});

function idIn(list: string): string {
  return /"id":"([0-9a-f]{64})"/.exec(list)?.[1] ?? '';
}
