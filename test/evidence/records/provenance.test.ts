import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RecordedEntry } from '#dimgx/evidence/recorded-entry.js';
import { provenanceObject, provenanceRecord } from '#dimgx/evidence/records/provenance.js';
import { type RecordedChanges, recordedEntry } from '../../helpers/recorded-entry.js';

const image = { id: '1'.repeat(64), layers: [] };
const { line } = provenanceRecord(image);

const textOf = (changes: RecordedChanges) => line(recordedEntry(changes));
const utf8 = (latin1: string) => Buffer.from(latin1, 'latin1').toString();
const objectOf = (changes: RecordedChanges) => JSON.parse(utf8(textOf(changes)));
const base64 = (latin1: string) => Buffer.from(latin1, 'latin1').toString('base64');
const path = (latin1: string) => Buffer.from(latin1, 'latin1');

const sha256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const diffId = `sha256:${'d'.repeat(64)}`;
const createdBy = '/bin/sh -c echo "hi" > a';

test('the first line is about the image and its layers', () => {
  const layer = { layer: 1, diffId, digest: diffId, created: '2024-01-01T00:00:00Z', createdBy, size: 12 };
  const facts = {
    id: image.id,
    manifestDigest: diffId,
    tags: ['a:1'],
    created: 'now',
    platform: { os: 'linux', architecture: 'arm' },
  };
  const { heading } = provenanceRecord({ ...facts, layers: [layer, { layer: 2 }] });
  const expected = { format: 'dimgx-provenance/1', ...facts, layers: [layer, { layer: 2 }] };
  expect(heading(undefined)).toBe(`${JSON.stringify(expected)}\n`);
});

test('an entry has its keys in order', () => {
  const file = { path: 'usr/a', mode: 0o4755, uid: 1000, gid: 50, size: 12, mtime: { seconds: 5, nanos: 6 }, sha256 };
  const origin = { layer: 2, diffId, createdBy, inode: 7, nlink: 2, shadows: [{ layer: 1, inode: 3 }] };
  const expected = {
    ...{
      path: '/usr/a',
      type: 'file',
      mode: '4755',
      uid: 1000,
      gid: 50,
      size: 12,
      mtime: '1970-01-01T00:00:05.000000006Z',
    },
    ...{ xattrs: { 'user.a': 'AP8=' }, sha256, inode: 7, nlink: 2, layer: 2, diffId, createdBy, state: 'present' },
    shadows: [{ layer: 1, inode: 3 }],
  };
  const xattrs = new Map([['user.a', Buffer.from([0, 255])]]);
  expect(textOf({ ...file, xattrs, origin })).toBe(`${JSON.stringify(expected)}\n`);
});

test('what an entry does not have has no key', () => {
  expect(textOf({ type: 'directory', path: '' })).toBe(
    '{"path":"/","type":"directory","mode":"0644","uid":0,"gid":0,"size":0,"mtime":"1970-01-01T00:00:00Z","inode":1,"nlink":1,"layer":1,"state":"present"}\n',
  );
});

test('a symlink has a target, a device its numbers, an implied directory a mark', () => {
  expect(objectOf({ type: 'symlink', target: '' })).toMatchObject({ target: '' });
  const device = { major: 1, minor: 3 };
  expect(objectOf({ type: 'character', device })).toMatchObject({ type: 'character', device });
  expect(objectOf({ type: 'directory', origin: { isImplied: true } })).toMatchObject({ implied: true });
});

test('a hidden version says what hides it, where its contents live on, and what was not listed', () => {
  const origin = {
    hiddenBy: { layer: 3, how: 'opaque', path: path('etc') },
    aliveAs: [path('b'), path('c')],
    moreAliveAs: 4,
    moreShadows: 5,
  } as const;
  const { state, hiddenBy, aliveAs, moreAliveAs, moreShadows, shadows } = objectOf({ origin });
  expect({ state, hiddenBy }).toEqual({ state: 'hidden', hiddenBy: { layer: 3, how: 'opaque', path: '/etc' } });
  expect({ aliveAs, moreAliveAs, shadows, moreShadows }).toEqual({
    aliveAs: ['/b', '/c'],
    moreAliveAs: 4,
    moreShadows: 5,
  });
});

describe('bytes that are not UTF-8', () => {
  test('a path and a target have their bytes beside them', () => {
    const { path, pathBase64, target, targetBase64 } = objectOf({ type: 'symlink', path: 'caf\xe9', target: '"\xff' });
    expect({ path, pathBase64 }).toEqual({ path: '/caf\ufffd', pathBase64: base64('/caf\xe9') });
    expect({ target, targetBase64 }).toEqual({ target: '"\ufffd', targetBase64: base64('"\xff') });
  });

  test('so have the paths of a hidden version', () => {
    const hiddenBy = { layer: 3, how: 'replaced', path: path('\xe9') } as const;
    const found = objectOf({ origin: { hiddenBy, aliveAs: [path('a'), path('\xff')] } });
    expect(found.hiddenBy).toEqual({ layer: 3, how: 'replaced', path: '/\ufffd', pathBase64: base64('/\xe9') });
    expect(found).toMatchObject({ aliveAs: ['/a', '/\ufffd'], aliveAsBase64: [base64('/a'), base64('/\xff')] });
  });

  test('attributes with such a name stand apart, so that no two have one key', () => {
    const xattrs = new Map(['user.\xff', 'user.\xc3\xbf', 'user.\xfe'].map((name, i) => [name, Buffer.from([i])]));
    expect(objectOf({ xattrs })).toMatchObject({
      xattrs: { 'user.ÿ': 'AQ==' },
      xattrsBase64: { [base64('user.\xfe')]: 'Ag==', [base64('user.\xff')]: 'AA==' },
    });
  });
});

test('attributes are sorted by the bytes of their names, and no name is special', () => {
  const xattrs = new Map(['user.b', '__proto__', 'user.a'].map((name) => [name, Buffer.from(name)]));
  expect(Object.keys(objectOf({ xattrs }).xattrs)).toEqual(['__proto__', 'user.a', 'user.b']);
});

test('a very long command is cut in the lines, and whole in the first', () => {
  const long = 'x'.repeat(10_000);
  expect(objectOf({ origin: { createdBy: long } }).createdBy).toBe(`${'x'.repeat(8192)}…`);
  expect(provenanceRecord({ ...image, layers: [{ layer: 1, createdBy: long }] }).heading(undefined)).toContain(long);
});

test('layers of one number with other texts are not mixed up', () => {
  const commands = ['a', 'b', undefined, 'a'].map((createdBy) => objectOf({ origin: { createdBy } }).createdBy);
  expect(commands).toEqual(['a', 'b', undefined, 'a']);
});

describe('any entry', () => {
  const bytes = fc
    .oneof(
      fc.uint8Array({ maxLength: 12 }),
      fc.string({ unit: 'binary', maxLength: 8 }).map((text) => Buffer.from(text)),
    )
    .map((found) => Buffer.from(found));
  const odd = fc.constantFrom(
    '\u0085',
    '\x7f',
    '\u202e',
    '\u2028',
    '\ufeff',
    '\u{e0001}',
    '"',
    '\\',
    '\n',
    '\x1b[m',
    '\ud800',
  );
  const command = fc.array(fc.oneof(odd, fc.string({ unit: 'binary' }))).map((parts) => parts.join(''));
  const entry: fc.Arbitrary<RecordedEntry> = fc
    .record({ name: bytes, target: bytes, alias: bytes, xattr: bytes, createdBy: command, oddName: odd })
    .map(({ name, target, alias, xattr, createdBy, oddName }) => ({
      ...recordedEntry({
        type: 'symlink',
        origin: { createdBy, aliveAs: [alias, name], hiddenBy: { layer: 2, how: 'removed', path: alias } },
      }),
      path: Buffer.concat([name, Buffer.from(oddName)]),
      target,
      xattrs: new Map([[xattr.toString('latin1'), target]]),
    }));

  test('is one line of UTF-8 that steers no terminal', () => {
    fc.assert(
      fc.property(entry, (random) => {
        const text = line(random);
        expect(text).toMatch(/^[ -~\x80-\xff]+\n$/);
        expect(Buffer.from(utf8(text)).toString('latin1')).toBe(text);
        expect(utf8(text).slice(0, -1)).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
      }),
      { numRuns: 500 },
    );
  });

  test('keeps its bytes, and its object is what the line parses to', () => {
    fc.assert(
      fc.property(entry, (random) => {
        const found = JSON.parse(utf8(line(random)));
        const bytesOf = (text: string, encoded?: string) =>
          encoded === undefined ? Buffer.from(text) : Buffer.from(encoded, 'base64');
        expect(bytesOf(found.path, found.pathBase64)).toEqual(Buffer.concat([Buffer.from('/'), random.path]));
        expect(bytesOf(found.target, found.targetBase64)).toEqual(random.target);
        expect(found.createdBy).toBe(random.origin.createdBy);
        const [[name] = ['']] = random.xattrs;
        const xattrs = found.xattrs ?? found.xattrsBase64;
        const [key = ''] = Object.keys(xattrs);
        expect(bytesOf(key, found.xattrs ? undefined : key).toString('latin1')).toBe(name);
        expect(Buffer.from(xattrs[key], 'base64')).toEqual(random.target);
        expect(provenanceObject(random)).toEqual(found);
      }),
      { numRuns: 500 },
    );
  });
});
