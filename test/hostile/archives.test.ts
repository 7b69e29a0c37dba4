import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { ErrorCode } from '#dimgx/errors.js';
import { type BuiltImage, layerOf } from '../helpers/built-image.js';
import { dockerArchive } from '../helpers/docker-archive.js';
import { archiveOf, temporaryFolder, writeArchive } from '../helpers/members.js';
import { longHeader, rawEntry, rawTar } from '../helpers/raw-tar.js';
import { expectRefusal } from '../helpers/refusal.js';
import { inTurn, shortOrLong } from '../helpers/short-or-long.js';

const image: BuiltImage = {
  tags: ['box:1'],
  layers: [await layerOf({ 'etc/': { type: 'directory' }, 'etc/a': 'hello' })],
};
const members = dockerArchive([image]);
const archive = await archiveOf(members);
const otherThings = await archiveOf({ 'README.md': 'x' });
const archiveInArchive = await archiveOf({ 'image.tar': archive });

async function written(bytes: Uint8Array): Promise<string> {
  const path = join(await temporaryFolder(), 'image.tar');
  await writeFile(path, bytes);
  return path;
}

describe('what is no archive of an image', () => {
  test.each<[string, Uint8Array, ErrorCode]>([
    ['an empty file', Buffer.alloc(0), 'DIMGX_SOURCE_NOT_AN_IMAGE'],
    ['a few bytes', Buffer.from('hello\n'), 'DIMGX_TAR_NOT_A_TAR'],
    [
      'a program',
      Buffer.concat([Buffer.from('\x7fELF\x02\x01\x01', 'latin1'), Buffer.alloc(4000, 7)]),
      'DIMGX_TAR_NOT_A_TAR',
    ],
    ['a ZIP', Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.alloc(4000, 7)]), 'DIMGX_TAR_NOT_A_TAR'],
    ['zeros', Buffer.alloc(1_000_000), 'DIMGX_SOURCE_NOT_AN_IMAGE'],
    ['a tar of other things', otherThings, 'DIMGX_SOURCE_NOT_AN_IMAGE'],
    ['a tar in a tar', archiveInArchive, 'DIMGX_SOURCE_NOT_AN_IMAGE'],
    ['a gzip of text', gzipSync('hello'), 'DIMGX_TAR_NOT_A_TAR'],
    ['a gzip of nothing', gzipSync(''), 'DIMGX_SOURCE_NOT_AN_IMAGE'],
    ['a gzip of a gzip', gzipSync(gzipSync(archive)), 'DIMGX_TAR_NOT_A_TAR'],
    ['the head of a gzip', gzipSync(archive).subarray(0, 5), 'DIMGX_COMPRESSION_CORRUPT'],
    ['half a gzip', gzipSync(archive).subarray(0, 200), 'DIMGX_COMPRESSION_CORRUPT'],
    ['the head of a bzip2', Buffer.from('BZh91AY&SY'), 'DIMGX_COMPRESSION_CORRUPT'],
    ['the head of an xz', Buffer.from('fd377a585a000004', 'hex'), 'DIMGX_COMPRESSION_CORRUPT'],
    ['a negative size', rawTar(rawEntry({}), rawEntry({ patch: { 124: '\xff'.repeat(12) } })), 'DIMGX_TAR_BAD_HEADER'],
    [
      'a long name that claims 4 GiB',
      rawTar(rawEntry({}), rawEntry({ type: 'L', size: 2 ** 32 })),
      'DIMGX_TAR_BAD_PAX',
    ],
    [
      'a long name that claims a MiB which is not there',
      rawTar(rawEntry({}), rawEntry({ type: 'L', size: 2 ** 20 })),
      'DIMGX_TAR_TRUNCATED',
    ],
  ])('%s', async (_, bytes, code) => {
    for (const run of inTurn([{}, { input: bytes }])) {
      await expectRefusal('input' in run ? '-' : await written(bytes), code, run);
    }
  });

  test.each<[string, string, ErrorCode]>([
    ['an endless device', '/dev/zero', 'DIMGX_SOURCE_NOT_AN_IMAGE'],
    ['an empty device', '/dev/null', 'DIMGX_SOURCE_NOT_AN_IMAGE'],
    ['a path below a file', '/etc/passwd/image.tar', 'DIMGX_SOURCE_NOT_FOUND'],
    ['a path longer than the system takes', `./${'x'.repeat(5000)}`, 'DIMGX_SOURCE_NOT_FOUND'],
    ['a name that drives a terminal', './\x1b[2J\x07\u202e', 'DIMGX_SOURCE_NOT_FOUND'],
  ])('%s', (_, path, code) => expectRefusal(path, code));
});

describe('an archive with more than any image has', () => {
  test('a hundred thousand members and more', async () => {
    const member = rawEntry({ name: 'x' });
    const bytes = Buffer.concat([
      Buffer.alloc(shortOrLong(110_000, 200_000) * member.length, member),
      Buffer.alloc(1024),
    ]);
    const input = gzipSync(bytes, { level: 1 });
    await expectRefusal('-', 'DIMGX_SOURCE_NOT_AN_IMAGE', { input, unpacked: bytes.length });
  });

  test('names of a MiB each', async () => {
    const member = Buffer.concat([longHeader('L', 'x'.repeat(2 ** 20 - 2)), rawEntry({})]);
    const bytes = Buffer.concat([...Array(shortOrLong(10, 40)).fill(member), Buffer.alloc(1024)]);
    const input = gzipSync(bytes, { level: 1 });
    await expectRefusal('-', 'DIMGX_SOURCE_NOT_AN_IMAGE', { input, unpacked: bytes.length });
  });

  test('extension headers without end', async () => {
    const extension = rawEntry({ type: 'L' }, 'x'.repeat(512));
    const bytes = Buffer.concat([rawEntry({}), ...Array(shortOrLong(20_000, 200_000)).fill(extension)]);
    const input = gzipSync(bytes, { level: 1 });
    await expectRefusal('-', 'DIMGX_TAR_BAD_PAX', { input, unpacked: bytes.length });
  });
});

describe('members that are not what they should be', () => {
  const manifest = (change: object) =>
    JSON.stringify([{ ...JSON.parse(String(members['manifest.json']))[0], ...change }]);
  const [layer = ''] = JSON.parse(manifest({}))[0].Layers as string[];

  test.each<[string, Record<string, unknown>, ErrorCode]>([
    ['a layer that is a directory', { [layer]: { type: 'directory' } }, 'DIMGX_SOURCE_BAD_MEMBER'],
    [
      'a layer that is a link to nothing',
      { [layer]: { type: 'symlink', linkname: '../none/layer.tar' } },
      'DIMGX_SOURCE_BAD_MEMBER',
    ],
    [
      'a layer that is a hard link to nothing',
      { [layer]: { type: 'link', linkname: 'none' } },
      'DIMGX_SOURCE_BAD_MEMBER',
    ],
    [
      'a layer that is a link to itself',
      { [layer]: { type: 'symlink', linkname: 'layer.tar' } },
      'DIMGX_SOURCE_BAD_MEMBER',
    ],
    [
      'a layer that is a hard link to itself',
      { [layer]: { type: 'link', linkname: layer } },
      'DIMGX_SOURCE_BAD_MEMBER',
    ],
    [
      'a layer that is a link to a directory',
      { [layer]: { type: 'symlink', linkname: '../d' }, 'd/': { type: 'directory' } },
      'DIMGX_SOURCE_BAD_MEMBER',
    ],
    ['a manifest that is a directory', { 'manifest.json': { type: 'directory' } }, 'DIMGX_SOURCE_BAD_MEMBER'],
    [
      'a manifest that is a link to the host',
      { 'manifest.json': { type: 'symlink', linkname: '/etc/passwd' } },
      'DIMGX_SOURCE_UNSAFE_PATH',
    ],
    ['a path with a NUL', { 'manifest.json': manifest({ Config: 'a\0b' }) }, 'DIMGX_SOURCE_UNSAFE_PATH'],
    ['an empty path', { 'manifest.json': manifest({ Layers: [''] }) }, 'DIMGX_SOURCE_UNSAFE_PATH'],
    [
      'a path of a million folders',
      { 'manifest.json': manifest({ Layers: ['a/'.repeat(10 ** 6)] }) },
      'DIMGX_SOURCE_MISSING_BLOB',
    ],
    [
      'a path that drives a terminal',
      { 'manifest.json': manifest({ Config: '\x1b]0;gone\x07\u202e\u2028\x9b' }) },
      'DIMGX_SOURCE_MISSING_BLOB',
    ],
    ['fewer layers than the config has', { 'manifest.json': manifest({ Layers: [] }) }, 'DIMGX_IMAGE_LAYER_COUNT'],
    [
      'a layer with one byte more',
      { [layer]: Buffer.concat([...image.layers, Buffer.alloc(1)]) },
      'DIMGX_IMAGE_DIGEST_MISMATCH',
    ],
  ])('%s', async (_, changes, code) => {
    await expectRefusal(await writeArchive({ ...members, ...changes } as typeof members), code);
  });

  test('links one behind the other, without end', async () => {
    const links = Object.fromEntries(
      Array.from({ length: 1000 }, (_, i) => [`l${i}`, { type: 'symlink' as const, linkname: `l${i + 1}` }]),
    );
    const bent = { ...members, ...links, 'manifest.json': manifest({ Layers: ['l0'] }) };
    await expectRefusal(await writeArchive(bent), 'DIMGX_SOURCE_BAD_MEMBER');
  });

  test('a link that grows each time it is followed', async () => {
    const bent = {
      ...members,
      a: { type: 'symlink' as const, linkname: `a/${'b/'.repeat(40)}` },
      'manifest.json': manifest({ Layers: ['a/x'] }),
    };
    await expectRefusal(await writeArchive(bent), 'DIMGX_SOURCE_BAD_MEMBER');
  });
});

test('the archive that all of these were made from is a good one', async () => {
  const { measureDimgx } = await import('../helpers/measure-dimgx.js');
  const { exitCode, stderr } = await measureDimgx(['-t', '/dev/null', await written(archive)]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
});
