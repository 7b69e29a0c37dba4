import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { ErrorCode } from '#dimgx/errors.js';
import { diffIdOf, layerOf } from '../helpers/built-image.js';
import { dockerArchive } from '../helpers/docker-archive.js';
import { measureDimgx } from '../helpers/measure-dimgx.js';
import { writeArchive } from '../helpers/members.js';
import { longHeader, paxHeader, rawEntry, rawTar } from '../helpers/raw-tar.js';
import { expectRefusal } from '../helpers/refusal.js';
import { inTurn, shortOrLong } from '../helpers/short-or-long.js';
import { storedLayer } from '../helpers/stored-layer.js';

const plain = (...layers: Uint8Array[]) => writeArchive(dockerArchive([{ layers }]));
const zipped = (layer: Uint8Array, level = 1) => writeArchive(storedLayer(gzipSync(layer, { level }), diffIdOf(layer)));

const good = await layerOf({ 'a/': { type: 'directory' }, 'a/file': 'hello '.repeat(500) });

describe('a layer that is refused', () => {
  const file = rawEntry({ name: 'a' }, 'x');
  test.each<[string, Uint8Array, ErrorCode]>([
    ['as it is no tar', Buffer.from('hello\n'.repeat(500)), 'DIMGX_TAR_NOT_A_TAR'],
    ['as it is cut off in a header', good.subarray(0, 600), 'DIMGX_TAR_TRUNCATED'],
    ['for a name over 4095 bytes', rawTar(longHeader('L', 'x'.repeat(4096)), rawEntry({})), 'DIMGX_ENTRY_UNSAFE_NAME'],
    [
      'for a link target over 4095 bytes',
      rawTar(longHeader('K', 'x'.repeat(4096)), rawEntry({ type: '2' })),
      'DIMGX_ENTRY_UNSAFE_NAME',
    ],
    ['for a hard link to itself', rawTar(rawEntry({ name: 'a', type: '1', link: 'a' })), 'DIMGX_ENTRY_BAD_LINK'],
    [
      'for a hard link to a directory',
      rawTar(rawEntry({ name: 'd/', type: '5' }), rawEntry({ type: '1', link: 'd' })),
      'DIMGX_ENTRY_BAD_LINK',
    ],
    ['for a root that is a file', rawTar(rawEntry({ name: './' })), 'DIMGX_LAYER_BAD_ROOT'],
    ['for what is below a file', rawTar(file, rawEntry({ name: 'a/b' })), 'DIMGX_ENTRY_BAD_PARENT'],
    [
      'for what is below a link to nothing',
      rawTar(rawEntry({ name: 's', type: '2', link: 'none' }), rawEntry({ name: 's/b' })),
      'DIMGX_ENTRY_BAD_PARENT',
    ],
    [
      'for what is below a link in a loop',
      rawTar(rawEntry({ name: 's', type: '2', link: 's' }), rawEntry({ name: 's/b' })),
      'DIMGX_ENTRY_BAD_PARENT',
    ],
    ['for a type that nobody knows', rawTar(rawEntry({ type: 'Z' })), 'DIMGX_TAR_UNKNOWN_TYPE'],
    ['for a malformed record', rawTar(file, rawEntry({ type: 'x' }, '99 path=x\n'), rawEntry({})), 'DIMGX_TAR_BAD_PAX'],
    ['for entries behind a zero block', Buffer.concat([file, Buffer.alloc(512), file]), 'DIMGX_TAR_BAD_HEADER'],
  ])('%s', async (_, layer, code) => {
    for (const write of inTurn([plain, zipped])) {
      await expectRefusal(await write(layer), code, { unpacked: layer.length });
    }
  });

  const gz = gzipSync(good);
  const changed = (at: number) => {
    const copy = Buffer.from(gz);
    copy[at] = (copy[at] ?? 0) ^ 0x55;
    return copy;
  };
  test.each<[string, Uint8Array, ErrorCode]>([
    ['as its CRC is wrong', changed(gz.length - 8), 'DIMGX_COMPRESSION_CORRUPT'],
    ['as its length is wrong', changed(gz.length - 1), 'DIMGX_COMPRESSION_CORRUPT'],
    ['as its data are damaged', changed(40), 'DIMGX_COMPRESSION_CORRUPT'],
    ['as its header is damaged', changed(2), 'DIMGX_COMPRESSION_CORRUPT'],
    ['as its end is missing', gz.subarray(0, -4), 'DIMGX_COMPRESSION_CORRUPT'],
    ['as half of it is missing', gz.subarray(0, 60), 'DIMGX_COMPRESSION_CORRUPT'],
    ['as its second member is damaged', Buffer.concat([gz, gz.subarray(0, 30)]), 'DIMGX_COMPRESSION_CORRUPT'],
    ['as rubbish follows', Buffer.concat([gz, Buffer.from('junk')]), 'DIMGX_COMPRESSION_CORRUPT'],
    ['as it is gzip twice', gzipSync(gz), 'DIMGX_TAR_NOT_A_TAR'],
  ])('%s', async (_, bytes, code) => {
    await expectRefusal(await writeArchive(storedLayer(bytes, diffIdOf(good))), code);
  });
});

describe('a layer of more entries than allowed', () => {
  const many = Buffer.concat(Array.from({ length: 5000 }, (_, i) => rawEntry({ name: `f${i}` })));
  test('is refused, stored or compressed, alone or with others', async () => {
    await expectRefusal(await plain(rawTar(many)), 'DIMGX_LIMIT_ENTRIES', {
      args: ['--max-entries', '4999'],
    });
    await expectRefusal(await zipped(rawTar(many)), 'DIMGX_LIMIT_ENTRIES', {
      args: ['--max-entries', '4999'],
      unpacked: many.length,
    });
    const other = rawTar(rawEntry({ name: 'other' }));
    await expectRefusal(await plain(rawTar(many), other), 'DIMGX_LIMIT_ENTRIES', {
      args: ['--max-entries', '5000'],
    });
  });

  test('counts folders that are only implied', async () => {
    const paths = Array.from({ length: 500 }, (_, i) => `${i}/${'a/'.repeat(1800)}f`);
    const layer = rawTar(...paths.flatMap((path) => [longHeader('L', path), rawEntry({})]));
    await expectRefusal(await zipped(layer), 'DIMGX_LIMIT_ENTRIES', {
      args: ['--max-entries', '100000'],
      unpacked: 4 * layer.length, // of which each takes a few dozen blocks: bounded by them, not by the layer
    });
  });
});

describe('what takes more memory than it has bytes', () => {
  const ENTRIES = shortOrLong(5, 20);

  test('extension headers without end', async () => {
    const extension = rawEntry({ type: 'L' }, 'x'.repeat(512));
    const layer = Buffer.concat(Array(shortOrLong(20_000, 100_000)).fill(extension));
    await expectRefusal(await zipped(layer), 'DIMGX_TAR_BAD_PAX', { unpacked: layer.length });
  });

  test('the longest of link targets', async () => {
    const link = Buffer.concat([longHeader('K', 'x'.repeat(2 ** 20 - 2)), rawEntry({ type: '2' })]);
    const layer = Buffer.concat(Array(shortOrLong(20, 60)).fill(link));
    await expectRefusal(await zipped(layer), 'DIMGX_ENTRY_UNSAFE_NAME', { unpacked: layer.length });
  });

  test('PAX headers of the smallest of records', async () => {
    const entry = Buffer.concat([rawEntry({ type: 'x' }, '5 a=\n'.repeat(2 ** 20 / 5)), rawEntry({})]);
    const { exitCode, peak } = await measureDimgx([
      '-t',
      '/dev/null',
      await zipped(rawTar(...Array(ENTRIES).fill(entry))),
    ]);
    expect(exitCode).toBe(0);
    expect(peak).toBeLessThan(400);
  });

  test('sparse maps of the most of stretches', async () => {
    const map = Array(80_000).fill('0,0').join(',');
    const records = { 'GNU.sparse.map': map, 'GNU.sparse.numblocks': '80000', 'GNU.sparse.size': '9' };
    const entry = Buffer.concat([paxHeader(records), rawEntry({})]);
    const { exitCode, peak } = await measureDimgx([
      '-t',
      '/dev/null',
      await zipped(rawTar(...Array(ENTRIES).fill(entry))),
    ]);
    expect(exitCode).toBe(0);
    expect(peak).toBeLessThan(400);
  });

  test('a chain of symlinks, each of which doubles the way', async () => {
    const links = Array.from({ length: 60 }, (_, i) =>
      rawEntry({ name: `l${i}`, type: '2', link: `l${i + 1}/../l${i + 1}` }),
    );
    const layer = rawTar(...links, rawEntry({ name: 'l60/', type: '5' }), rawEntry({ name: 'l0/f' }));
    const { exitCode, stderr, peak } = await measureDimgx(['-t', '/dev/null', await plain(layer)]);
    expect([0, 2]).toContain(exitCode);
    expect(stderr).toMatch(/^(dimgx: DIMGX_ENTRY_BAD_PARENT: .*\n)?$/);
    expect(peak).toBeLessThan(250);
  });
});

test('messages show names of entries without letting them drive a terminal', async () => {
  const name = '\x1b]0;gone\x07\x9b2J\n\u202e/../../x';
  const layer = rawTar(longHeader('L', Buffer.from(name).toString('latin1')), rawEntry({}));
  await expectRefusal(await plain(layer), 'DIMGX_ENTRY_UNSAFE_NAME');
  const link = rawTar(rawEntry({ name: '\x1b[2Ja\nb', type: '1', link: '\x1b[31mnone\x9b' }));
  await expectRefusal(await plain(link), 'DIMGX_ENTRY_BAD_LINK');
});

test('the output of a good layer is the same whatever its compression', async () => {
  const outputs = await Promise.all(
    [await plain(good), await zipped(good)].map((path) => measureDimgx(['-t', '-', path])),
  );
  const hashes = outputs.map(({ stdout }) => createHash('sha256').update(stdout).digest('hex'));
  expect(outputs.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
  expect(new Set(hashes).size).toBe(1);
});
