import { posix } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cleanPath, isCanonical, MAX_PATH } from '#dimgx/tar/path.js';

const bytesOf = (text: string) => Buffer.from(text, 'latin1');
const clean = (name: string, aboveRoot: 'refuse' | 'clamp' = 'refuse') =>
  Buffer.from(cleanPath(bytesOf(name), aboveRoot)).toString('latin1');
const unsafe = expect.objectContaining({ code: 'DIMGX_ENTRY_UNSAFE_NAME' });

describe('a name is cleaned', () => {
  test.each([
    ['a', 'a'],
    ['./a', 'a'],
    ['/a', 'a'],
    ['//a', 'a'],
    ['a/', 'a'],
    ['a//', 'a'],
    ['././a', 'a'],
    ['a/./b', 'a/b'],
    ['a//b', 'a/b'],
    ['a/../b', 'b'],
    ['a/b/..', 'a'],
    ['a/..', ''],
    ['', ''],
    ['.', ''],
    ['./', ''],
    ['.//', ''],
    ['/', ''],
    ['...', '...'],
    ['..a', '..a'],
    ['a..', 'a..'],
    ['.a', '.a'],
    ['.wh.a', '.wh.a'],
    ['.wh..wh..opq', '.wh..wh..opq'],
    ['a\\b', 'a\\b'],
    ['\xff\xfe', '\xff\xfe'],
    ['a\nb', 'a\nb'],
  ])('%j is %j', (name, path) => expect(clean(name)).toBe(path));
});

describe('a name above the root', () => {
  test.each(['..', '../a', '/../a', './..', 'a/../..', 'a/../../b', './../a', 'a/b/../../../c'])(
    '%s is refused as an entry and stops at the root as a link',
    (name) => {
      expect(() => clean(name)).toThrow(unsafe);
      expect(clean(name, 'clamp')).toBe(posix.resolve('/', name).slice(1));
    },
  );
});

test('a path may be as long as Linux takes it', () => {
  const longest = 'a'.repeat(MAX_PATH);
  expect(clean(`./${longest}/`)).toBe(longest);
  expect(() => clean(`${longest}a`)).toThrow(unsafe);
  expect(() => clean(`./${'a/'.repeat(MAX_PATH / 2)}bc`)).toThrow(unsafe);
});

const components = fc.array(fc.constantFrom('', '.', '..', '...', 'a', 'b', '.a', 'a.', '..a'), { maxLength: 8 });
const names = components.map((parts) => parts.join('/'));

test('clamped at the root, a name is what a path below / resolves to', () => {
  fc.assert(
    fc.property(names, (name) => {
      expect(clean(name, 'clamp')).toBe(posix.resolve('/', name).slice(1));
    }),
  );
});

test('a name is refused exactly when a walk along it leaves the root', () => {
  const leaves = (name: string) => {
    let depth = 0;
    for (const part of name.split('/')) {
      if (part === '..') depth -= 1;
      else if (part !== '' && part !== '.') depth += 1;
      if (depth < 0) return true;
    }
    return false;
  };
  fc.assert(
    fc.property(names, (name) => {
      if (leaves(name)) expect(() => clean(name)).toThrow(unsafe);
      else expect(clean(name)).toBe(clean(name, 'clamp'));
    }),
  );
});

test('a name is canonical exactly when it is its path, perhaps behind ./ and, of a directory, before /', () => {
  fc.assert(
    fc.property(names, fc.boolean(), (name, isDirectory) => {
      const path = clean(name, 'clamp');
      const written = path === '' ? ['./'] : [path, `./${path}`].flatMap((p) => (isDirectory ? [p, `${p}/`] : [p]));
      if (/(^|\/)\.\.(\/|$)/.test(name)) return;
      expect(isCanonical(bytesOf(name), bytesOf(path), isDirectory)).toBe(written.includes(name));
    }),
  );
});
