import { describe, expect, test } from 'vitest';
import { QUIRK } from '#dimgx/tar/entry.js';
import { GNU, longHeader, paxHeader, type RawHeader, rawEntry, rawTar, readTar } from '../helpers/raw-tar.js';

const refused = (code: string) => expect.objectContaining({ code });

/** The only entry of an archive. */
async function only(...parts: Uint8Array[]) {
  const entries = await readTar(rawTar(...parts));
  expect(entries).toHaveLength(1);
  return entries[0];
}

const long = 'long/'.repeat(50);

describe('a name', () => {
  test.each([
    ['in the header', [rawEntry({ name: 'a' })], 'a'],
    ['of exactly 100 bytes, without an end mark', [rawEntry({ name: 'a'.repeat(100) })], 'a'.repeat(100)],
    ['behind a prefix', [rawEntry({ name: 'b', patch: { 345: 'a' } })], 'a/b'],
    [
      'behind a prefix of 155 bytes',
      [rawEntry({ name: 'b', patch: { 345: 'a'.repeat(155) } })],
      `${'a'.repeat(155)}/b`,
    ],
    ['of the old form, where no prefix is', [rawEntry({ name: 'b', magic: '', patch: { 345: 'a' } })], 'b'],
    [
      "behind star's shorter prefix",
      [rawEntry({ name: 'b', patch: { 345: 'a'.repeat(131), 476: '00000000000\x0000000000000\0', 508: 'tar\0' } })],
      `${'a'.repeat(131)}/b`,
    ],
    [
      'of GNU, with times where others have a prefix',
      [rawEntry({ name: 'b', magic: GNU, patch: { 345: '14000000000\0' } })],
      'b',
    ],
    [
      'of GNU, with a time in base-256',
      [rawEntry({ name: 'b', magic: GNU, patch: { 345: '\x80\0\0\0\0\0\0\0\0\0\0\x01' } })],
      'b',
    ],
    [
      'of GNU with a prefix, as Go wrote before 1.8',
      [rawEntry({ name: 'b', magic: GNU, patch: { 345: 'dir/sub' } })],
      'dir/sub/b',
    ],
    [
      'of GNU with what is neither times nor text',
      [rawEntry({ name: 'b', magic: GNU, patch: { 345: 'd\xef\xbf' } })],
      'b',
    ],
    ['in a GNU long name', [longHeader('L', long), rawEntry({ name: 'short' })], long],
    ['in two GNU long names', [longHeader('L', 'first'), longHeader('L', long), rawEntry({})], long],
    ['in an empty GNU long name', [longHeader('L', ''), rawEntry({ name: 'b' })], 'b'],
    [
      'in a GNU long name, and then in an empty one',
      [longHeader('L', 'x'), longHeader('L', ''), rawEntry({ name: 'b' })],
      'b',
    ],
    ['in a PAX record', [paxHeader({ path: long }), rawEntry({ name: 'short' })], long],
    ['in a PAX record over a prefix', [paxHeader({ path: 'x' }), rawEntry({ patch: { 345: 'a' } })], 'x'],
    [
      'in a PAX record with another character set',
      [paxHeader({ hdrcharset: 'BINARY', path: '\xff' }), rawEntry({})],
      '\xff',
    ],
    ['in both, where the GNU one wins', [paxHeader({ path: 'pax' }), longHeader('L', 'gnu'), rawEntry({})], 'gnu'],
    ['in both, in the other order', [longHeader('L', 'gnu'), paxHeader({ path: 'pax' }), rawEntry({})], 'gnu'],
    [
      'in the last of two PAX records',
      [
        paxHeader([
          ['path', 'a'],
          ['path', 'b'],
        ]),
        rawEntry({}),
      ],
      'b',
    ],
    ['in the last of two PAX headers', [paxHeader({ path: 'a' }), paxHeader({ path: 'b' }), rawEntry({})], 'b'],
    [
      'not in the first of two PAX headers',
      [paxHeader({ path: 'a' }), paxHeader({ uid: '1' }), rawEntry({ name: 'b' })],
      'b',
    ],
    ['not in an empty PAX record', [paxHeader({ path: '' }), rawEntry({ name: 'b' })], 'b'],
    [
      'not in one that an empty one takes back',
      [
        paxHeader([
          ['path', 'a'],
          ['path', ''],
        ]),
        rawEntry({ name: 'b' }),
      ],
      'b',
    ],
    [
      'not in a global PAX header',
      [rawEntry({ type: 'g' }, '10 path=xx\n'.replace('xx', 'x')), rawEntry({ name: 'b' })],
      'b',
    ],
    [
      'not in a PAX header that a global one cuts off',
      [paxHeader({ path: 'a' }), rawEntry({ type: 'g' }), rawEntry({ name: 'b' })],
      'b',
    ],
  ])('%s', async (_, parts, name) => expect(await only(...parts)).toMatchObject({ name, size: 0 }));

  test.each([
    ['several extensions of a kind', [longHeader('L', 'a'), longHeader('L', 'b'), rawEntry({})], QUIRK.extensions],
    ['an empty long name', [longHeader('L', ''), rawEntry({})], QUIRK.extensions],
    ['a long link target beside an empty field', [longHeader('K', 'a'), rawEntry({ type: '2' })], QUIRK.extensions],
    ['one in PAX', [paxHeader({ linkpath: 'a' }), rawEntry({ type: '1' })], QUIRK.extensions],
    ['a name of both kinds', [paxHeader({ path: 'a' }), longHeader('L', 'b'), rawEntry({})], QUIRK.extensions],
    ['an empty override', [paxHeader({ uid: '' }), rawEntry({})], QUIRK.emptyOverride],
    [
      'an xattr of overlayfs',
      [paxHeader({ 'SCHILY.xattr.trusted.overlay.opaque': 'y' }), rawEntry({})],
      QUIRK.record | QUIRK.lostRecord,
    ],
    ['a prefix in a GNU header', [rawEntry({ magic: GNU, patch: { 345: 'a/b' } })], QUIRK.gnuPrefix],
    ['a size on a directory', [rawEntry({ type: '5', size: 5 })], QUIRK.number],
    ['a number that begins with a NUL', [rawEntry({ patch: { 108: '\0\0\x0017\0' } })], QUIRK.number],
    ['the name of the owner', [rawEntry({ patch: { 265: 'x' } })], QUIRK.ownerName],
    ['the name of the group in a GNU header', [rawEntry({ magic: GNU, patch: { 297: 'x' } })], QUIRK.ownerName],
    ['what would be the name of the owner in an old header', [rawEntry({ magic: '', patch: { 265: 'x' } })], 0],
    ['a name of the owner in PAX', [paxHeader({ uname: 'x' }), rawEntry({})], QUIRK.record],
    ['a contiguous file', [rawEntry({ type: '7' })], QUIRK.type | QUIRK.contiguous],
    ['an old directory', [rawEntry({ type: '\0', name: 'a/' })], QUIRK.type],
    ['a sparse name on what is not sparse', [paxHeader({ 'GNU.sparse.name': 'x' }), rawEntry({})], QUIRK.straySparse],
    ['nothing', [paxHeader({ path: 'x', 'SCHILY.xattr.user.a': '' }), rawEntry({})], 0],
    [
      'a name and a link target, each of one kind',
      [longHeader('L', 'a'), longHeader('K', 'b'), rawEntry({ type: '2', link: 'b' })],
      0,
    ],
  ])('what readers would take differently is marked: %s', async (_, parts, quirks) => {
    expect((await only(...parts))?.quirks).toBe(quirks);
  });
});

describe('a link target', () => {
  test.each([
    ['in the header', [rawEntry({ type: '2', link: '../a' })], '../a'],
    ['of exactly 100 bytes', [rawEntry({ type: '2', link: 'a'.repeat(100) })], 'a'.repeat(100)],
    ['in a GNU long link', [longHeader('K', long), rawEntry({ type: '1', link: 'short' })], long],
    ['in a PAX record', [paxHeader({ linkpath: long }), rawEntry({ type: '1', link: 'short' })], long],
    ['in both', [longHeader('K', 'gnu'), paxHeader({ linkpath: 'pax' }), rawEntry({ type: '2' })], 'gnu'],
    ['not in an empty one', [longHeader('K', ''), rawEntry({ type: '2', link: 'a' })], 'a'],
  ])('%s', async (_, parts, link) => expect((await only(...parts))?.link).toBe(link));
});

describe('metadata', () => {
  test.each<[string, Uint8Array[], object]>([
    ['a mode with the bits of a type', [rawEntry({ patch: { 100: '0104755\0' } })], { mode: 0o4755 }],
    ['owners in base-256', [rawEntry({ patch: { 108: '\x80\0\0\0\xff\xff\xff\xfe' } })], { uid: 4294967294 }],
    [
      'owners in PAX',
      [paxHeader({ uid: '4294967294', gid: '3000000' }), rawEntry({})],
      { uid: 4294967294, gid: 3000000 },
    ],
    ['a time before 1970', [rawEntry({ patch: { 136: `${'\xff'.repeat(11)}\xff` } })], { mtime: -1 }],
    ['a time in PAX', [paxHeader({ mtime: '1.5' }), rawEntry({})], { mtime: 1, mtimeNanos: 5e8 }],
    ['a device', [rawEntry({ type: '3', patch: { 329: '0000010\x000000003\0' } })], { deviceMajor: 8, deviceMinor: 3 }],
    ['a device in the old form', [rawEntry({ type: '3', magic: '', patch: { 329: '0000010\0' } })], { deviceMajor: 0 }],
    ['a size in PAX', [paxHeader({ size: '5' }), rawEntry({ size: 0 }, 'abcde')], { size: 5, dataSize: 5 }],
    ['a size on a link', [rawEntry({ type: '1', size: 512 })], { size: 0, dataSize: 0 }],
    ['a size in PAX on a directory', [paxHeader({ size: '512' }), rawEntry({ type: '5' })], { size: 0, dataSize: 0 }],
    ['an old directory', [rawEntry({ type: '\0', name: 'd/' })], { type: 0x35 }],
    ['a type of 0 with a slash, which is a file', [rawEntry({ name: 'd/' })], { type: 0x30 }],
    ['a contiguous file', [rawEntry({ type: '7' }, 'x')], { type: 0x30, size: 1 }],
  ])('%s', async (_, parts, expected) => expect(await only(...parts)).toMatchObject(expected));
});

describe('a checksum', () => {
  const header = rawEntry({ name: 'caf\xe9' });
  const sum = Number.parseInt(header.toString('latin1', 148, 154), 8);
  test.each([
    ['of unsigned bytes', `${sum.toString(8).padStart(6, '0')}\0 `],
    ['of signed bytes', `${(sum - 256).toString(8).padStart(6, '0')}\0 `],
    ['with leading blanks', `${sum.toString(8).padStart(6, ' ')}\0 `],
    ['of seven digits', `${sum.toString(8).padStart(7, '0')}\0`],
  ])('%s is right', async (_, checksum) => {
    expect(await only(rawEntry({ name: 'caf\xe9', checksum }))).toMatchObject({ name: 'caf\xe9' });
  });

  test.each([
    ['off by one', `${(sum + 1).toString(8).padStart(6, '0')}\0 `],
    ['that is empty', '\0'.repeat(8)],
    ['that is no number', 'checksum'],
    ['in base-256', `\x80\0\0\0\0\0${String.fromCharCode(sum >> 8)}${String.fromCharCode(sum & 0xff)}`],
  ])('%s is wrong', async (_, checksum) => {
    const archive = rawTar(rawEntry({}), rawEntry({ name: 'caf\xe9', checksum }));
    await expect(readTar(archive)).rejects.toEqual(refused('DIMGX_TAR_BAD_HEADER'));
    await expect(readTar(archive.subarray(512))).rejects.toEqual(refused('DIMGX_TAR_NOT_A_TAR'));
  });
});

describe('what is refused', () => {
  const bad = (header: RawHeader) => [rawEntry({}), rawEntry(header)];
  test.each<[string, Uint8Array[], string]>([
    ['a negative size', bad({ patch: { 124: '\xff'.repeat(12) } }), 'DIMGX_TAR_BAD_HEADER'],
    ['a size over 2^63', bad({ patch: { 124: `\x80${'\xff'.repeat(11)}` } }), 'DIMGX_TAR_BAD_HEADER'],
    ['a size that is exact no more', bad({ patch: { 124: '\x80\0\0\0\x7f\0\0\0\0\0\0\0' } }), 'DIMGX_TAR_BAD_HEADER'],
    ['a size that is no number', bad({ patch: { 124: '0000000009\0\0' } }), 'DIMGX_TAR_BAD_HEADER'],
    ['a mode that is no number', bad({ patch: { 100: 'rw-r--r-' } }), 'DIMGX_TAR_BAD_HEADER'],
    ['an owner below 31 bits', bad({ patch: { 108: '\xff\xff\xff\xff\x7f\xff\xff\xff' } }), 'DIMGX_TAR_BAD_HEADER'],
    [
      'an owner over 32 bits in a header, though PAX has another',
      [rawEntry({}), paxHeader({ uid: '1' }), rawEntry({ patch: { 108: '\x80\0\0\x01\0\0\0\0' } })],
      'DIMGX_TAR_BAD_HEADER',
    ],
    ['an owner below 31 bits in PAX', [paxHeader({ gid: '-2147483649' }), rawEntry({})], 'DIMGX_TAR_BAD_PAX'],
    ['an owner over 32 bits in PAX', [paxHeader({ uid: '4294967296' }), rawEntry({})], 'DIMGX_TAR_BAD_PAX'],
    ['a device over 32 bits', bad({ type: '4', patch: { 329: '\x80\0\0\x01\0\0\0\0' } }), 'DIMGX_TAR_BAD_HEADER'],
    ['a negative size in PAX', [rawEntry({}), paxHeader({ size: '-1' }), rawEntry({})], 'DIMGX_TAR_BAD_HEADER'],
    ['a size in PAX that is no number', [paxHeader({ size: '1k' }), rawEntry({})], 'DIMGX_TAR_BAD_PAX'],
    ['an access time that is none', [paxHeader({ atime: 'now' }), rawEntry({})], 'DIMGX_TAR_BAD_PAX'],
    ['a malformed global PAX header', [rawEntry({ type: 'g' }, 'junk'), rawEntry({})], 'DIMGX_TAR_BAD_PAX'],
    ['a malformed PAX header before the end', [rawEntry({}), rawEntry({ type: 'x' }, 'junk')], 'DIMGX_TAR_BAD_PAX'],
    ['a PAX header over the limit', [rawEntry({ type: 'x', size: 2 ** 20 + 1 })], 'DIMGX_TAR_BAD_PAX'],
    [
      'a PAX header of a size over all limits',
      [rawEntry({ type: 'x', patch: { 124: '777777777777' } })],
      'DIMGX_TAR_BAD_PAX',
    ],
    ['a long name over the limit', [rawEntry({ type: 'L', size: 2 ** 20 + 1 })], 'DIMGX_TAR_BAD_PAX'],
    ['an unknown letter', bad({ type: 'Z' }), 'DIMGX_TAR_UNKNOWN_TYPE'],
    ["GNU's dump directory", bad({ type: 'D' }), 'DIMGX_TAR_UNKNOWN_TYPE'],
    ["GNU's volume label", bad({ type: 'V' }), 'DIMGX_TAR_UNKNOWN_TYPE'],
    ["GNU's part of several volumes", bad({ type: 'M' }), 'DIMGX_TAR_UNKNOWN_TYPE'],
    ['a type that would drive a terminal', bad({ type: '\x1b' }), 'DIMGX_TAR_UNKNOWN_TYPE'],
  ])('%s', async (_, parts, code) => {
    await expect(readTar(rawTar(...parts))).rejects.toEqual(refused(code));
  });

  test('more extensions before one entry than anybody would hold', async () => {
    const extension = rawEntry({ type: 'L' }, 'a'.repeat(2 ** 20 - 512));
    await expect(readTar(rawTar(...Array(4).fill(extension), rawEntry({})))).resolves.toHaveLength(1);
    await expect(readTar(rawTar(...Array(5).fill(extension), rawEntry({})))).rejects.toEqual(
      refused('DIMGX_TAR_BAD_PAX'),
    );
  });
});

test.each<[string, Uint8Array[], { uid?: number; gid?: number }]>([
  ['-1 is the last', [rawEntry({ patch: { 108: '\xff'.repeat(8) } })], { uid: 2 ** 32 - 1 }],
  ['-2 is the one before', [rawEntry({ patch: { 116: `${'\xff'.repeat(7)}\xfe` } })], { gid: 2 ** 32 - 2 }],
  ['-1 in PAX is the last', [paxHeader({ gid: '-1' }), rawEntry({})], { gid: 2 ** 32 - 1 }],
  ['the last is the last', [rawEntry({ patch: { 116: '\x80\0\0\0\xff\xff\xff\xff' } })], { gid: 2 ** 32 - 1 }],
])('of the owners that 32 bits number, %s', async (_, parts, owner) => {
  expect((await readTar(rawTar(...parts)))[0]).toMatchObject(owner);
});
