import { describe, expect, test } from 'vitest';
import { TYPE } from '#dimgx/tar/header.js';
import { directoryHeader, type Rewrite, rewriteHeader } from '#dimgx/tar/rewrite.js';
import { type RawEntry, rawEntry } from '../helpers/raw-layer.js';
import { readTar } from '../helpers/read-tar.js';

const bytes = (text: string) => Buffer.from(text, 'latin1');

/** What a reader takes the rewritten header for; contents are of zeros. */
function rewritten(
  entry: RawEntry,
  { path = 'new', ...rest }: Partial<Omit<Rewrite, 'path'>> & { path?: string } = {},
) {
  const { content = '' } = entry;
  const raw = rawEntry(entry);
  const headers = raw.subarray(0, raw.length - Math.ceil(content.length / 512) * 512);
  const header = rewriteHeader(headers, { path: bytes(path), ...rest });
  const contents = Buffer.alloc(rest.link ? 0 : Math.ceil(content.length / 512) * 512);
  const [read] = readTar(Buffer.concat([header, contents, Buffer.alloc(1024)]));
  return { header, ...(read as NonNullable<typeof read>) };
}

describe('the name', () => {
  test.each<[string, RawEntry]>([
    ['in the header', { name: 'old' }],
    ['in a ustar prefix', { name: 'old', prefix: 'a/b' }],
    ['in PAX', { name: 'old', pax: [['path', 'other']] }],
    ['in a long name', { name: 'old', longName: 'other' }],
    ['in both', { name: 'old', longName: 'other', pax: [['path', 'another']] }],
    ['in a sparse record', sparse('GNU.sparse.name', 'other')],
  ])('%s gives way to the new one', (_, entry) => expect(rewritten(entry, { path: 'a/new' }).name).toBe('a/new'));

  test.each([1, 99, 100, 101, 155, 255, 256, 4095])('of %d bytes comes through', (length) =>
    expect(rewritten({ name: 'old' }, { path: '\xff'.repeat(length) }).name).toBe('\xff'.repeat(length)),
  );

  test('of a directory ends in a slash, of the root it is ./', () => {
    expect(rewritten({ name: 'old', type: '5' }, { path: 'd' }).name).toBe('d/');
    expect(rewritten({ name: '.', type: '5' }, { path: '' }).name).toBe('./');
  });

  test('that is the same needs no other header', () => {
    const header = rawEntry({ name: 'same', mode: 0o755, mtime: 5 });
    expect(rewriteHeader(header, { path: bytes('same') }).equals(header)).toBe(true);
  });
});

test('a symlink keeps its target, however it is stored', () => {
  const long = `/${'t'.repeat(300)}/\xff`;
  expect(rewritten({ name: 'a', type: '2', link: '../x//.' }).link).toBe('../x//.');
  expect(rewritten({ name: 'a', type: '2', link: long }).link).toBe(long);
  expect(rewritten({ name: 'a', type: '2', pax: [['linkpath', long]] }).link).toBe(long);
});

test('a file becomes a hard link, without contents', () => {
  const link = rewritten({ name: 'a', content: 'hello', pax: [['size', '5']] }, { link: bytes('target') });
  expect(link).toMatchObject({ name: 'new', link: 'target', type: '1' });
});

test.each(['ustar', 'gnu'] as const)('the names of owner and group of a %s header are emptied', (magic) => {
  const { header } = rewritten({ name: 'a', magic, uid: 777, owners: ['daemon', 'mail'] });
  expect(header.equals(rawEntry({ name: 'new', magic, uid: 777 }))).toBe(true);
});

test('a file with an old sparse map becomes a hard link without a map, which bsdtar would read', () => {
  const sparse = { map: [[512, 5]] as const, size: 9000 };
  const { header } = rewritten({ name: 'a', type: 'S', magic: 'gnu', content: 'hello', sparse }, { link: bytes('b') });
  expect(header.subarray(386, 495).every((byte) => byte === 0)).toBe(true);
});

test.each(['1', '2', '3', '4', '5', '6'])('type %s loses a size', (type) => {
  const { header, fields } = rewritten({ name: 'a', type, size: 1234, pax: [['size', '99']] });
  expect(fields.size).toBe('');
  expect(header.toString('latin1')).not.toContain('size');
});

describe('metadata', () => {
  const metadata = { mode: 0o4711, uid: 3_000_000, gid: 7, mtime: 1_500_000_000, mtimeNanos: 250_000_000 };

  test('of another header wins over the header and its records', () => {
    const pax = ['uid', 'gid', 'mtime'].map((key) => [key, '1'] as const);
    const { fields } = rewritten({ name: 'a', pax: [...pax, ['SCHILY.xattr.user.a', '1']] }, { metadata });
    expect(fields).toMatchObject({ mode: '4711', owner: '3000000:7', mtime: '1500000000.250000000' });
    expect(fields.xattrs).toBe('user.a=0x31');
  });

  test.each([
    [-1, 0, '-1.000000000'],
    [-1, 500_000_000, '-1.500000000'],
    [-2, 1, '-2.000000001'],
    [2 ** 40, 0, '1099511627776.000000000'],
  ])('time %d s and %d ns', (mtime, mtimeNanos, shown) => {
    expect(rewritten({ name: 'a' }, { metadata: { ...metadata, mtime, mtimeNanos } }).fields.mtime).toBe(shown);
  });

  test('that is not given stays', () => {
    const entry = { name: 'a', mode: 0o600, uid: 5, pax: [['mtime', '1.5'] as const, ['gid', '4000000000'] as const] };
    expect(rewritten(entry).fields).toMatchObject({ mode: '0600', owner: '5:4000000000', mtime: '1.500000000' });
  });
});

test('a record gives way to a later one of its key that is empty: the header counts', () => {
  const keys = ['size', 'uid', 'gid', 'mtime'];
  const pax = keys.flatMap((key) => [[key, '700'] as const, [key, ''] as const]);
  const entry = { name: 'a', content: 'hello', uid: 1, gid: 2, mtime: 3, pax };
  expect(rewritten(entry).fields).toMatchObject({ size: '5', owner: '1:2', mtime: '3.000000000' });
});

test('an old type is written as what it means', () => {
  expect(rewritten({ name: 'a', type: '7', content: 'x' }).type).toBe('0');
  expect(rewritten({ name: 'a/', type: '\0' }).type).toBe('5');
});

test('a device keeps its numbers', () => {
  expect(rewritten({ name: 'a', type: '4', device: [259, 70_000] }).fields.device).toBe('259:70000');
});

test('a directory that no layer describes', () => {
  const [read] = readTar(Buffer.concat([directoryHeader(bytes('a/b')), Buffer.alloc(1024)]));
  expect(read).toMatchObject({ name: 'a/b/', type: String.fromCharCode(TYPE.directory) });
  expect(read?.fields).toMatchObject({ mode: '0755', owner: '0:0', mtime: '0.000000000' });
});

function sparse(key: string, value: string): RawEntry {
  const version = [['GNU.sparse.major', '0'] as const, ['GNU.sparse.minor', '1'] as const];
  const map = [['GNU.sparse.map', '0,5'] as const, ['GNU.sparse.numblocks', '1'] as const];
  return { name: 'old', content: 'hello', pax: [...version, ...map, ['GNU.sparse.size', '5'], [key, value]] };
}
