import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { QUIRK } from '#dimgx/tar/entry.js';
import { rewriteHeader } from '#dimgx/tar/rewrite.js';
import { lacks } from '../helpers/engines.js';
import { GNU, paxHeader, type RawHeader, rawEntry, rawTar, readTar } from '../helpers/raw-tar.js';
import { runCommand } from '../helpers/run-command.js';

describe('real sparse files', () => {
  const SIZE = 40 * 2 ** 20 + 700;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dimgx-sparse-'));
    const few = await open(join(folder, 'few'), 'w');
    await few.write(Buffer.alloc(4096, 'a'), 0, 4096, 2 ** 20);
    await few.write(Buffer.alloc(700, 'b'), 0, 700, SIZE - 700);
    await few.close();
    const many = await open(join(folder, 'many'), 'w');
    for (let at = 0; at < 300; at++) await many.write(Buffer.alloc(4096, 'c'), 0, 4096, at * 131_072);
    await many.truncate(SIZE);
    await many.close();
    const hole = await open(join(folder, 'hole'), 'w');
    await hole.truncate(SIZE);
    await hole.close();
  });
  afterAll(() => rm(folder, { recursive: true }));

  test.skipIf(lacks('tar', 'bsdtar')).each([
    ['old GNU', 'tar', ['--format=gnu', '-S'], true],
    ['PAX 0.0', 'tar', ['--format=posix', '-S', '--sparse-version=0.0'], false],
    ['PAX 0.1', 'tar', ['--format=posix', '-S', '--sparse-version=0.1'], false],
    ['PAX 1.0', 'tar', ['--format=posix', '-S', '--sparse-version=1.0'], false],
    ["bsdtar's", 'bsdtar', ['--format=pax'], false],
  ])('of the form %s have their real names and sizes (needs tar and bsdtar)', async (_, program, options, isOld) => {
    const { stdout } = await runCommand(program, [
      ...options,
      '--numeric-owner',
      '-cf',
      '-',
      '-C',
      folder,
      'few',
      'many',
      'hole',
    ]);
    expect(stdout.length).toBeLessThan(3 * 2 ** 20);
    const entries = await readTar(stdout);
    const quirks = isOld ? QUIRK.oldSparse : QUIRK.paxSparse;
    const type = 0x30;
    expect(entries).toMatchObject([
      { name: 'few', size: SIZE, quirks, type },
      { name: 'many', size: SIZE, quirks, type },
      { name: 'hole', size: SIZE, quirks, type },
    ]);
  });
});

const refused = expect.objectContaining({ code: 'DIMGX_TAR_BAD_SPARSE' });
const octal = (value: number) => `${value.toString(8).padStart(11, '0')}\0`;

/** A file whose records say where its contents lie. */
function inRecords(map: string, size: number, contents: string, more: Readonly<Record<string, string>> = {}): Buffer {
  const numblocks = String(map.split(',').length / 2);
  const records = {
    'GNU.sparse.size': String(size),
    'GNU.sparse.numblocks': numblocks,
    'GNU.sparse.map': map,
    ...more,
  };
  return rawTar(paxHeader(records), rawEntry({}, contents));
}

function inHead(head: string, size: number, contents: string): Buffer {
  const records = { 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': String(size) };
  const padded = head.padEnd(Math.ceil(head.length / 512) * 512, '\0');
  return rawTar(paxHeader(records), rawEntry({}, padded + contents));
}

function inHeader(
  pairs: readonly number[],
  size: number,
  contents: string,
  magic = GNU,
  more: Readonly<Record<number, string>> = {},
): Buffer {
  const patch = { 386: pairs.map(octal).join(''), 483: octal(size), ...more };
  return rawTar(rawEntry({ type: 'S', magic, patch }, contents));
}

/** As many stretches as a header holds. */
const FULL = [0, 512, 1024, 0, 2048, 0, 3072, 0];

/** A file of one block of contents, with a map in its header and in blocks behind that. */
function inHeaders(pairs: readonly number[], ...extensions: readonly (readonly number[])[]): Buffer {
  const patch = { 386: pairs.map(octal).join(''), 482: '\x01', 483: octal(9000) };
  const maps = extensions.map((extension, i) => {
    const map = Buffer.alloc(512);
    map.write(extension.map(octal).join(''), 'latin1');
    map[504] = i < extensions.length - 1 ? 1 : 0;
    return map;
  });
  const header = rawEntry({ type: 'S', magic: GNU, size: 512, patch });
  return rawTar(header, ...maps, Buffer.alloc(512, 'x'));
}

const block = 'x'.repeat(512);

test.each([
  ['in records', inRecords('512,512,4096,3', 9000, `${block}yyy`)],
  [
    'in records, naming its version',
    inRecords('512,512', 9000, block, { 'GNU.sparse.major': '0', 'GNU.sparse.minor': '1' }),
  ],
  ['in the head', inHead('2\n512\n512\n4096\n3\n', 9000, `${block}yyy`)],
  ['in the header', inHeader([512, 512, 4096, 3], 9000, `${block}yyy`)],
  ['in the header and a block behind it', inHeaders(FULL, [4096, 0])],
  ['with nothing but a hole', inRecords('9000,0', 9000, '')],
])('a map %s that fits is taken', async (_, archive) => {
  expect(await readTar(archive)).toMatchObject([{ size: 9000, name: 'file' }]);
});

test.each<[string, number, Buffer]>([
  ['that ends in a hole', QUIRK.sparseMap | QUIRK.paxSparse, inRecords('0,512', 9000, block)],
  ['that ends in an empty stretch', QUIRK.paxSparse, inRecords('0,512,9000,0', 9000, block)],
  [
    'with a stretch that begins inside a block',
    QUIRK.sparseMap | QUIRK.paxSparse,
    inHead('2\n0\n100\n512\n412\n', 924, block),
  ],
])('a map %s is quirks: %d', async (_, quirks, archive) => {
  expect(await readTar(archive)).toMatchObject([{ quirks }]);
});

test('the last name counts, and the real one over all', async () => {
  const archive = inRecords('0,512', 512, block, { path: 'GNUSparseFile.1/real', 'GNU.sparse.name': 'real' });
  expect(await readTar(archive)).toMatchObject([{ name: 'real', quirks: QUIRK.paxSparse }]);
});

describe.each([
  [
    'in records',
    (pairs: readonly number[], size: number, contents: string) => inRecords(pairs.join(','), size, contents),
  ],
  [
    'in the head',
    (pairs: readonly number[], size: number, contents: string) =>
      inHead([pairs.length / 2, ...pairs, ''].join('\n'), size, contents),
  ],
  ['in the header', (pairs: readonly number[], size: number, contents: string) => inHeader(pairs, size, contents)],
])('a map %s is refused', (_, make) => {
  test.each<[string, number[], number, string]>([
    ['when it goes back', [4096, 512, 0, 512], 9000, block + block],
    ['when stretches overlap', [0, 512, 100, 512], 9000, block + block],
    ['when it leaves the file', [8999, 2], 9000, 'xx'],
    ['when it holds less than is stored', [0, 512], 9000, block + block],
    ['when it holds more than is stored', [0, 1024], 9000, block],
  ])('%s', async (_case, pairs, size, contents) => {
    await expect(readTar(make(pairs, size, contents))).rejects.toEqual(refused);
  });
});

describe('a map is refused', () => {
  test.each<[string, Buffer]>([
    ['in records, of an odd count', inRecords('0,512,600', 9000, block, { 'GNU.sparse.numblocks': '1' })],
    ['in records, of another count', inRecords('0,512', 9000, block, { 'GNU.sparse.numblocks': '2' })],
    ['in records, that are no numbers', inRecords('0,0x200', 9000, block)],
    ['in records, with negative numbers', inRecords('0,-512', 9000, block)],
    ['in records, twice', inRecords('0,512', 9000, block, { 'GNU.sparse.offset': '0', 'GNU.sparse.numbytes': '512' })],
    ['of a file of negative size', inRecords('0,0', -1, '')],
    ['in the head, that has no end', inHead('9999999\n1\n1\n', 9000, '')],
    ['in the head, that is no number', inHead('one\n', 9000, '')],
    ['in the head, that is one long line', inHead('1'.repeat(2000), 9000, '')],
    ['in the header, with a stretch that begins inside a block', inHeader([0, 100, 512, 412], 9000, block)],
    ['in the header of star', inHeader([0, 512], 9000, block, 'ustar\x0000')],
    [
      'of a directory',
      rawTar(paxHeader({ 'GNU.sparse.map': '0,0', 'GNU.sparse.numblocks': '1' }), rawEntry({ type: '5' })),
    ],
  ])('%s', async (_, archive) => {
    await expect(readTar(archive)).rejects.toEqual(
      expect.objectContaining({ code: expect.stringMatching(/BAD_(SPARSE|PAX)$/) }),
    );
  });

  // GNU tar takes a map for ended there, and what goes on for contents, in which it looks for headers.
  test.each<[string, Uint8Array]>([
    ['in its header is not full', inHeaders([0, 512], [4096, 0])],
    ['in its first extension is not full', inHeaders(FULL, [4096, 0], [8192, 0])],
    ['in its header has no length', inHeader([0, 512], 9000, block, GNU, { 410: octal(4096) })],
    ['in its header has no offset', inHeader([0, 512], 9000, block, GNU, { 422: octal(0) })],
  ])('when a part of it %s', async (_, archive) => {
    await expect(readTar(archive)).rejects.toEqual(refused);
  });

  test('when its extension headers have no end', async () => {
    const more = Buffer.alloc(512);
    for (let i = 0; i < 21; i++) more.write(octal(0) + octal(0), i * 24, 'latin1');
    more[504] = 1;
    const full = octal(0).repeat(8);
    const first = rawEntry({ type: 'S', magic: GNU, patch: { 386: full, 482: '\x01', 483: octal(0) } });
    await expect(readTar(Buffer.concat([first, ...Array(2100).fill(more)]))).rejects.toEqual(refused);
  });
});

test('the size of a file that is all hole may be absurd: limits are for who adds sizes up', async () => {
  expect(await readTar(inHeader([], 8 ** 11 - 1, ''))).toMatchObject([{ size: 8 ** 11 - 1, dataSize: 0 }]);
});

test('what stands between the name and the map in an old header is no prefix', async () => {
  const patch = { 345: 'rest/of/it', 386: octal(4096) + octal(512), 483: octal(9000) };
  const archive = rawTar(rawEntry({ name: 'old', type: 'S', magic: GNU, patch }, block));
  expect(await readTar(archive)).toMatchObject([{ name: 'old', size: 9000, quirks: QUIRK.oldSparse }]);
  const header = rewriteHeader(archive.subarray(0, 512), { path: Buffer.from('new') });
  const rewritten = await readTar(rawTar(header, Buffer.from(block)));
  expect(rewritten).toMatchObject([{ name: 'new', size: 9000, dataSize: 512, quirks: QUIRK.oldSparse }]);
});

// GNU tar understands such records only beside a header of POSIX: elsewhere it takes the real size for that of the contents.
const star = `${'\0'.repeat(131)}00000000000 00000000000 `;
test.each<[string, RawHeader]>([
  ['of GNU tar', { magic: GNU }],
  ['of the oldest form', { magic: '' }],
  ['of star', { patch: { 345: star } }],
])('a map in records beside a header %s is odd', async (_, header) => {
  const records = { 'GNU.sparse.size': '9000', 'GNU.sparse.numblocks': '2', 'GNU.sparse.map': '0,512,9000,0' };
  const archive = rawTar(paxHeader(records), rawEntry(header, block));
  expect(await readTar(archive)).toMatchObject([{ quirks: QUIRK.sparseMap | QUIRK.paxSparse, size: 9000 }]);
});
