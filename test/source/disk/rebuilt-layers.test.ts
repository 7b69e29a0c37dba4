import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RebuiltRegion } from '#dimgx/base/io/rebuilt-region.js';
import { RebuiltReader } from '#dimgx/extract/read/rebuilt-reader.js';
import { RecentReaders } from '#dimgx/extract/read/recent-readers.js';
import { flatten } from '#dimgx/flatten.js';
import type { WatchArrivals } from '#dimgx/image/arrivals.js';
import { openedImage } from '#dimgx/image/image.js';
import type { StoredLayer } from '#dimgx/image/layer.js';
import { inspectLayers } from '#dimgx/inspect/inspect-layers.js';
import { openImage } from '#dimgx/source/resolve.js';
import { sha256 } from '../../helpers/built-image.js';
import { dockerArchive } from '../../helpers/docker-archive.js';
import { dockerStore, type StoredImageSpec } from '../../helpers/engine-stores.js';
import { flattenImage } from '../../helpers/flatten-image.js';
import { temporaryFolder, writeArchive } from '../../helpers/members.js';
import { extension, type RawEntry, rawLayer } from '../../helpers/raw-layer.js';
import { readTar } from '../../helpers/read-tar.js';
import { runDimgx } from '../../helpers/run-dimgx.js';
import { shortOrLong } from '../../helpers/short-or-long.js';
import { splitLayer, splitText } from '../../helpers/tar-split.js';
import { randomStack } from '../../law/random-stack.js';

const imageOf = (...layers: readonly Buffer[]): StoredImageSpec => ({ tags: ['app:1'], layers });

/** All bytes of a layer, in two ways: as one part, and as parts of random lengths. */
async function bytesOfLayers(folder: string): Promise<readonly Buffer[]> {
  await using image = await openImage(folder);
  const stored = await openedImage(image).fetch(image.layers);
  const all: Buffer[] = [];
  for (const { blob, name } of stored) {
    const whole = await readAll(blob as RebuiltRegion, name, blob.length);
    expect(whole.equals(await readAll(blob as RebuiltRegion, name, 997))).toBe(true);
    all.push(whole);
  }
  return all;
}

async function readAll(region: RebuiltRegion, name: string, step: number): Promise<Buffer> {
  const reader = new RebuiltReader(region, name, new RecentReaders());
  const bytes = Buffer.alloc(region.length);
  for (let from = 0; from < bytes.length; from += step)
    await reader.read([{ from, into: bytes.subarray(from, from + step) }]);
  await reader.close();
  return bytes;
}

const LONG = `${'long/'.repeat(40)}name`;

test('each layer can be read as soon as its record is', async () => {
  const spec = imageOf(rawLayer([{ name: 'old' }]), rawLayer([{ name: 'new', content: 'x' }]));
  const store = await dockerStore([spec]);
  writeFileSync(store.tarSplit(spec, 0), 'damaged');
  await using image = await openImage(store.folder);
  const read: Promise<Buffer>[] = [];
  const ready = ({ blob, name }: StoredLayer) => void read.push(readAll(blob as RebuiltRegion, name, 512));
  const fetching = openedImage(image).fetch(image.layers.toReversed(), { ready } as WatchArrivals);
  await expect(fetching).rejects.toMatchObject({ code: 'DIMGX_STORE_DAMAGED' });
  expect(await Promise.all(read)).toEqual([spec.layers[1]]);
});

describe('a layer is rebuilt byte for byte', () => {
  test.each<[string, Buffer]>([
    ['of nothing but an end mark', Buffer.alloc(1024)],
    ['of nothing but 10 KiB of zeros', Buffer.alloc(10_240)],
    [
      'with files of many sizes',
      rawLayer(
        [0, 1, 511, 512, 513, 70_000, 3_000_000].map((size) => ({ name: `f${size}`, content: 'x'.repeat(size) })),
      ),
    ],
    [
      'with names that are not UTF-8',
      rawLayer([
        { name: 'caf\xe9/\xff', content: 'x' },
        { name: 'd\xc3\xa9', content: 'y' },
      ]),
    ],
    ['with names that JSON escapes', rawLayer([{ name: 'a"\\<\u0001>', content: 'x' }])],
    ['with long names of GNU', rawLayer([{ name: LONG, magic: 'gnu', content: 'x' }])],
    ['with long names of PAX', rawLayer([{ name: 'short', pax: [['path', LONG]], content: 'x' }])],
    ['with a size of PAX', rawLayer([{ name: 'x', size: 0, pax: [['size', '3']], content: 'abc' }])],
    [
      'with names that begin with ./ and /',
      rawLayer([
        { name: './a', content: 'x' },
        { name: '/b/./c', content: 'y' },
        { name: 'd/../e', content: 'z' },
      ]),
    ],
    ['with a global header', rawLayer([extension('g', '20 comment=whatever\n'), { name: 'x', content: 'x' }])],
    ['with data after its end', Buffer.concat([rawLayer([{ name: 'x', content: 'x' }]), Buffer.alloc(9000, 'data')])],
    ['with more zeros at its end', rawLayer([{ name: 'x', content: 'x' }], { zeroBlocks: 20 })],
    ['without its last padding', rawLayer([{ name: 'x', content: 'x' }], { zeroBlocks: 0, padded: false })],
    [
      'with a hard link that has a size',
      rawLayer([
        { name: 'a', content: 'abc' },
        { name: 'b', type: '1', link: 'a', size: 3 },
        { name: 'c', content: 'c' },
      ]),
    ],
    [
      'with sizes of a link and a folder that no file has',
      rawLayer([
        { name: 'a', content: 'abc' },
        { name: 'b', type: '1', link: 'a', size: 2 ** 60 },
        { name: 'd', type: '5', size: 2 ** 62 },
      ]),
    ],
    [
      'with devices and links',
      rawLayer([
        { name: 'n', type: '3', device: [1, 3] },
        { name: 's', type: '2', link: '/x' },
        { name: 'p', type: '6' },
      ]),
    ],
  ])('%s', async (_, layer) => {
    const { folder } = await dockerStore([imageOf(layer)]);
    expect((await bytesOfLayers(folder)).map((bytes) => bytes.equals(layer))).toEqual([true]);
    await flattenImage(folder);
  });

  test('with a file below an absolute symlink of the same layer', async () => {
    const layer = rawLayer([
      { name: 'real/', type: '5' },
      { name: 'link', type: '2', link: '/real' },
      { name: 'link/f', content: 'through the link' },
    ]);
    const image = imageOf(layer);
    const store = await dockerStore([image], {
      split: (bytes) => ({ lines: splitLayer(bytes).lines, files: new Map() }),
    });
    const folder = store.layerFolder(image, 0);
    mkdirSync(`${folder}/real`);
    symlinkSync('/real', `${folder}/link`);
    writeFileSync(`${folder}/real/f`, 'through the link');
    expect((await bytesOfLayers(store.folder))[0]?.equals(layer)).toBe(true);
    await flattenImage(store.folder);
  });

  const stretches = { first: 'a'.repeat(512), second: 'b'.repeat(300) };
  const expanded = Buffer.concat([
    Buffer.alloc(512),
    Buffer.from(stretches.first),
    Buffer.alloc(1024),
    Buffer.from(stretches.second),
    Buffer.alloc(100),
  ]);
  const content = stretches.first + stretches.second;
  const map = [
    [512, 512],
    [2048, 300],
    [expanded.length, 0],
  ] as const;
  const size = String(expanded.length);

  test.each<[string, RawEntry]>([
    ['old GNU', { name: 's', content, type: 'S', magic: 'gnu', sparse: { map, size: expanded.length } }],
    [
      'PAX 0.1',
      {
        name: 's',
        content,
        pax: [
          ['GNU.sparse.size', size],
          ['GNU.sparse.numblocks', '3'],
          ['GNU.sparse.map', map.flat().join(',')],
        ],
      },
    ],
  ])('with a sparse file in the form of %s', async (_, entry) => {
    const layer = rawLayer([entry, { name: 'after', content: 'x' }]);
    const split = (bytes: Buffer) => splitLayer(bytes, (name, stored) => (name === 's' ? expanded : stored));
    const { folder } = await dockerStore([imageOf(layer)], { split });
    expect((await bytesOfLayers(folder))[0]?.equals(layer)).toBe(true);
    await flattenImage(folder);
  });
});

test('a sparse file whose map is lost becomes a plain one', async () => {
  const head = '1\n1\n3\n2\n'.padEnd(512, '\0');
  const pax = [
    ['GNU.sparse.major', '1'],
    ['GNU.sparse.minor', '0'],
    ['GNU.sparse.name', 'dir/sparse'],
    ['GNU.sparse.realsize', '5'],
    ['mtime', '12.5'],
    ['SCHILY.xattr.user.a', 'b'],
  ] as const;
  const before = { name: 'before', content: 'odd length' };
  const after = { name: 'after', content: 'more' };
  const sparse = { name: 'dir/GNUSparseFile.0/sparse', content: `${head}lo`, mode: 0o640, uid: 7, gid: 8, pax };
  const split = (bytes: Buffer) =>
    splitLayer(bytes, (name, stored) => (name === 'dir/sparse' ? Buffer.from('hel\0\0') : stored));
  const { folder } = await dockerStore([imageOf(rawLayer([before, sparse, after]))], { split });
  const { tar, warnings } = await flattenImage(folder);
  expect(warnings).toMatchObject([{ code: 'DIMGX_SOURCE_UNVERIFIED', message: expect.stringContaining('PAX 1.0') }]);
  const plain = [
    ['mtime', '12.5'],
    ['SCHILY.xattr.user.a', 'b'],
  ] as const;
  const whole = { ...sparse, name: 'dir/sparse', content: 'hel\0\0', mtime: 12, pax: plain };
  const archive = await writeArchive(dockerArchive([imageOf(rawLayer([before, whole, after]))]));
  const wanted = await flattenImage(`docker-archive:${archive}`);
  expect(readTar(tar)).toEqual(readTar(wanted.tar));
});

describe('a file that a layer has by two names, one of them through a symlink,', () => {
  const layerOf = (later: string) =>
    rawLayer([
      { name: 'real/', type: '5' },
      { name: 'real/f', content: 'early' },
      { name: 'link', type: '2', link: 'real' },
      { name: 'link/f', content: later },
      { name: 'end', content: 'e' },
    ]);
  const storeOf = async (layer: Buffer, contents: string) => {
    const image = imageOf(layer);
    const split = (bytes: Buffer) => ({ lines: splitLayer(bytes).lines, files: new Map() });
    const store = await dockerStore([image], { split });
    const folder = store.layerFolder(image, 0);
    mkdirSync(`${folder}/real`);
    symlinkSync('real', `${folder}/link`);
    writeFileSync(`${folder}/real/f`, contents);
    writeFileSync(`${folder}/end`, 'e');
    return store.folder;
  };

  test('has lost its earlier contents, which no tree shows', async () => {
    const layer = layerOf('later!');
    const { tar, warnings } = await flattenImage(await storeOf(layer, 'later!'));
    expect(warnings).toContainEqual(expect.objectContaining({ code: 'DIMGX_SOURCE_UNVERIFIED' }));
    const archive = await writeArchive(dockerArchive([imageOf(layer)]));
    expect(readTar(tar)).toEqual(readTar((await flattenImage(`docker-archive:${archive}`)).tar));
  });

  test('is verified if both have the same contents', async () => {
    const { warnings } = await flattenImage(await storeOf(layerOf('early'), 'early'));
    expect(warnings.map(({ code }) => code)).not.toContain('DIMGX_SOURCE_UNVERIFIED');
  });
});

describe('files that were changed under an image', () => {
  const base = rawLayer([
    { name: 'kept', content: 'old' },
    { name: 'changed', content: 'old' },
    { name: 'other', content: 'x' },
  ]);
  const top = rawLayer([
    { name: 'dir/', type: '5' },
    { name: 'changed', content: 'newer' },
    { name: 'dir/shorter', content: 'abcdef' },
    { name: 'dir/link', type: '1', link: 'dir/shorter' },
    { name: 'removed', content: 'r' },
    { name: 'good', content: 'g'.repeat(700) },
  ]);
  const damagedStore = async () => {
    const image = { tags: ['x:1'], layers: [base, top] };
    const store = await dockerStore([image]);
    const folder = store.layerFolder(image, 1);
    writeFileSync(`${folder}/changed`, 'NEWER');
    writeFileSync(`${folder}/dir/shorter`, 'abc');
    rmSync(`${folder}/removed`);
    return store.folder;
  };

  test('are left out with --keep-going, and so are hard links to them', async () => {
    const { tar, warnings } = await flattenImage(await damagedStore(), { keepGoing: true });
    expect(readTar(tar).map(({ name }) => name)).toEqual(['dir/', 'good', 'kept', 'other']);
    const left = warnings.filter(({ code }) => code === 'DIMGX_STORE_FILE_LEFT_OUT').map(({ message }) => message);
    expect(left).toEqual([
      expect.stringMatching(/^layer .*"changed" .* has other contents .* written 20.*Z, inode changed/),
      expect.stringMatching(/^layer .*"dir\/shorter" .* is shorter \(3 bytes instead of 6\)/),
      expect.stringMatching(/^layer .*"removed" .* is missing/),
      expect.stringMatching(/^layer .*"dir\/link" is a hard link to a file that is left out/),
    ]);
  });

  test('are listed in the result, and the exit code is 2', async () => {
    const folder = await damagedStore();
    const { leftOut } = await flatten(folder, `${await temporaryFolder()}/x.tar`, { keepGoing: true });
    expect(leftOut?.map(({ path }) => path)).toEqual(['changed', 'dir/shorter', 'removed', 'dir/link']);
    const out = `${await temporaryFolder()}/out.tar`;
    const { code, stderr } = await runDimgx('--keep-going', '-t', out, folder);
    expect(code).toBe(2);
    expect(stderr).toMatch(/DIMGX_STORE_FILE_CHANGED: 4 files were changed .* left out/);
    expect(readTar(readFileSync(out)).map(({ name }) => name)).toContain('good');
  });

  test('do not keep an image without them from being verified', async () => {
    const store = await dockerStore([imageOf(base)]);
    const { warnings } = await flattenImage(store.folder, { keepGoing: true });
    expect(warnings).toEqual([]);
  });
});

test('a whiteout with contents leaves its layer without verification, and says so', async () => {
  const layer = rawLayer([
    { name: 'a', content: 'a' },
    { name: '.wh.b', content: 'lost' },
    { name: 'c', content: 'c' },
  ]);
  const split = (bytes: Buffer) => {
    const { lines, files } = splitLayer(bytes);
    return { lines, files: new Map([...files].filter(([name]) => !name.startsWith('.wh.'))) };
  };
  const { folder } = await dockerStore([imageOf(layer)], { split });
  const { warnings } = await flattenImage(folder);
  expect(warnings).toMatchObject([{ code: 'DIMGX_SOURCE_UNVERIFIED', message: expect.stringContaining('".wh.b"') }]);
  await expect(flattenImage(folder, { strictInput: true })).rejects.toMatchObject({ code: 'DIMGX_SOURCE_UNVERIFIED' });
});

test('a file in a folder named like a whiteout has its contents', async () => {
  const layer = rawLayer([
    { name: 'v/.wh.folder/', type: '5' },
    { name: 'v/.wh.folder/in', content: 'kept' },
  ]);
  const { folder } = await dockerStore([imageOf(layer)]);
  expect(await bytesOfLayers(folder)).toEqual([layer]);
  const { warnings } = await flattenImage(folder);
  expect(warnings.map(({ code }) => code)).not.toContain('DIMGX_SOURCE_UNVERIFIED');
});

describe('files that AUFS put aside, as other drivers keep them: by the names of their hard links', () => {
  const stored = '.wh..wh.plnk/3.4';
  const layer = rawLayer([
    { name: stored, content: 'aside' },
    { name: '.wh..wh.plnk/5.6', content: 'more' },
    { name: 'a', type: '1', link: stored },
    { name: 'b', type: '1', link: './.wh..wh.plnk/5.6' },
    { name: 'c', type: '1', link: stored },
    { name: 'end', content: 'e' },
  ]);
  const storeOf = (own: Buffer, kept: Readonly<Record<string, string>>) => {
    const files = new Map(Object.entries(kept).map(([name, contents]) => [name, Buffer.from(contents)]));
    return dockerStore([imageOf(own)], { split: (bytes) => ({ lines: splitLayer(bytes).lines, files }) });
  };

  test('are read by these, and verified', async () => {
    const { folder } = await storeOf(layer, { a: 'aside', b: 'more', c: 'aside', end: 'e' });
    expect((await bytesOfLayers(folder))[0]?.equals(layer)).toBe(true);
    const archive = await flattenImage(await writeArchive(dockerArchive([imageOf(layer)])));
    expect(await flattenImage(folder)).toEqual(archive);
  });

  test('are lost without links: no tree shows them', async () => {
    const unlinked = rawLayer([
      { name: stored, content: 'aside' },
      { name: 'end', content: 'e' },
    ]);
    const { folder } = await storeOf(unlinked, { end: 'e' });
    const { tar, warnings } = await flattenImage(folder);
    expect(readTar(tar).map(({ name }) => name)).toEqual(['end']);
    expect(warnings).toMatchObject([
      { code: 'DIMGX_SOURCE_UNVERIFIED', message: expect.stringContaining(`"${stored}"`) },
    ]);
  });

  test('are left out by all their names with --keep-going, if they were changed', async () => {
    const { folder } = await storeOf(layer, { a: 'ASIDE', b: 'more', c: 'ASIDE', end: 'e' });
    await expect(flattenImage(folder)).rejects.toMatchObject({ code: 'DIMGX_STORE_FILE_CHANGED', path: 'a' });
    const { tar, warnings } = await flattenImage(folder, { keepGoing: true });
    expect(readTar(tar).map(({ name }) => name)).toEqual(['b', 'end']);
    const left = warnings.filter(({ code }) => code === 'DIMGX_STORE_FILE_LEFT_OUT').map(({ message }) => message);
    expect(left).toEqual([
      expect.stringMatching(/"a" .* has other contents/),
      expect.stringMatching(/"c" is a hard link to a file that is left out/),
    ]);
  });
});

test('a document whose lines have other keys, in another order, is read as well', async () => {
  const layer = rawLayer([{ name: 'x', content: 'abc' }]);
  const image = imageOf(layer);
  const store = await dockerStore([image]);
  const turned = splitLayer(layer).lines.map(({ type, position, ...line }) => ({ position, more: 1, ...line, type }));
  writeFileSync(store.tarSplit(image, 0), gzipSync(splitText(turned).trimEnd()));
  expect((await bytesOfLayers(store.folder))[0]?.equals(layer)).toBe(true);
});

test('an index opens no file of a layer', async () => {
  const image = imageOf(
    rawLayer([
      { name: 'x', content: 'x'.repeat(5000) },
      { name: 'y', content: 'y' },
    ]),
  );
  const store = await dockerStore([image]);
  await using opened = await openImage(store.folder);
  rmSync(store.layerFolder(image, 0), { recursive: true });
  const [index] = await inspectLayers(opened, { verify: false });
  expect(index?.entries.length).toBe(2);
});

test('random layers are rebuilt, and flatten as their archive does', async () => {
  const property = fc.asyncProperty(randomStack, async (stack) => {
    const layers = stack.map((entries) => rawLayer(storable(entries)));
    const { folder } = await dockerStore([imageOf(...layers)]);
    const rebuilt = await bytesOfLayers(folder);
    expect(rebuilt.map((bytes, i) => bytes.equals(layers[i] as Buffer))).toEqual(layers.map(() => true));
    const archive = await writeArchive(dockerArchive([{ tags: ['app:1'], layers }]));
    expect(await outcomeOf(folder)).toEqual(await outcomeOf(archive));
  });
  await fc.assert(property, { seed: 1, numRuns: shortOrLong(40, 150), endOnFailure: true });
});

/** The tar and the warnings without the names of layers, which differ with the image's ID; or the error. */
async function outcomeOf(path: string): Promise<unknown> {
  try {
    const { tar, warnings } = await flattenImage(path);
    return {
      tar: sha256(tar),
      warnings: warnings.map(({ message }) => message.replace(/layer [0-9a-f]{12}/, 'layer')),
    };
  } catch (failure) {
    return (failure as { readonly code: string }).code;
  }
}

/** The entries of a layer that an engine would store as they are: each path once, and no contents below a link. */
function storable(entries: readonly RawEntry[]): readonly RawEntry[] {
  const kinds = new Map<string, 'folder' | 'other'>();
  return entries.filter((entry) => {
    const { name, type = '0', content = '', pax = [], longName } = entry;
    const isSparse = type === 'S' || pax.some(([key]) => key.startsWith('GNU.sparse'));
    if (type === 'g') return true;
    const inHeader = `${entry.prefix ? `${entry.prefix}/` : ''}${name}`;
    const text = longName || pax.findLast(([key]) => key === 'path')?.[1] || inHeader;
    const parts = text.split('/').filter((part) => part !== '' && part !== '.');
    if (parts.some((part) => part.length > 255)) return false;
    if (isSparse || parts.includes('..') || text.length > 2000 || text.includes('\0')) return false;
    if (content !== '' && /(?:^|\/)\.wh\./.test(text)) return false;
    const path = parts.join('/');
    const above = parts.map((_, i) => parts.slice(0, i).join('/'));
    const isFolder = type === '5' || path === '' || (type === '\0' && text.endsWith('/'));
    if (kinds.has(path) || above.some((each) => kinds.get(each) === 'other')) return false;
    if (!isFolder && [...kinds.keys()].some((each) => each.startsWith(`${path}/`))) return false;
    if (!isFolder && path === '') return false;
    kinds.set(path, isFolder ? 'folder' : 'other');
    for (const each of above) if (each !== '' && !kinds.has(each)) kinds.set(each, 'folder');
    return true;
  });
}
