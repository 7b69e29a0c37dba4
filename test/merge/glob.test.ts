import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Glob } from '#dimgx/merge/glob.js';
import { charactersOf } from '#dimgx/merge/name-pattern.js';
import { globExpression } from '../helpers/glob-expression.js';

/** Whether a path, or a directory above it, fits. */
function fits(pattern: string, path: string | Buffer): boolean {
  const glob = new Glob(pattern);
  const names = Buffer.from(path)
    .toString('latin1')
    .split('/')
    .filter((name) => name !== '');
  let state = glob.start;
  let isMatch = glob.isMatch(state);
  for (const name of names) {
    state = glob.step(state, charactersOf(Buffer.from(name, 'latin1')));
    isMatch ||= glob.isMatch(state);
  }
  return isMatch;
}

describe('a pattern', () => {
  test.each<[pattern: string, fitting: readonly string[], others: readonly string[]]>([
    ['/etc', ['etc', 'etc/passwd'], ['etcetera', 'usr/etc', '']],
    ['etc/', ['etc/a/b'], ['usr']],
    ['./a//b', ['a/b', 'a/b/c'], ['a', 'b']],
    ['/', ['', 'anything/at/all'], []],
    ['*.so', ['a.so', '.so', 'a.so/b'], ['a.so.1', 'lib/a.so']],
    ['/a/*', ['a/b', 'a/b/c'], ['a']],
    ['/a/**', ['a/b', 'a/b/c'], ['a', 'b/a/c']],
    ['**/a', ['a', 'x/a', 'x/y/a/z'], ['ab', 'x/b']],
    ['a/**/b', ['a/b', 'a/x/b', 'a/x/y/b/z'], ['a', 'a/x', 'x/a/b']],
    ['a/**/**/b', ['a/b', 'a/x/b'], ['a/x']],
    ['**', ['a', 'a/b'], ['']],
    ['**/x/**/y', ['x/y', 'a/x/b/y', 'x/x/y'], ['y', 'x/a']],
    ['a**b', ['ab', 'axxb'], ['a/b']],
    ['a?c', ['abc', 'a\u00e9c', 'a\u{1f600}c'], ['ac', 'abbc']],
    ['[ab]x', ['ax', 'bx'], ['cx', 'x']],
    ['[!ab]x', ['cx', '^x'], ['ax', 'x']],
    ['[^ab]x', ['cx'], ['bx']],
    ['[a-cx-z]', ['b', 'z'], ['d', '-']],
    ['[]-]', [']', '-'], ['a']],
    ['[\\]a]', [']', 'a'], ['\\']],
    ['[a', ['[a'], ['a']],
    ['[\u00e0-\u00ff]', ['\u00e9'], ['e']],
    ['\\*', ['*'], ['a']],
    ['a\\', ['a\\'], ['a']],
    ['{a,b}', ['{a,b}'], ['a']],
    ['*a*b*', ['ab', 'xaxbx', 'aab'], ['ba', 'b']],
    ['.*', ['.a', '.'], ['a']],
  ])('%j fits what it should', (pattern, fitting, others) => {
    expect(fitting.filter((path) => !fits(pattern, path))).toEqual([]);
    expect(others.filter((path) => fits(pattern, path))).toEqual([]);
  });

  test('has wildcards that fit bytes that are not UTF-8, one each', () => {
    const path = Buffer.from('caf\xe9/x', 'latin1');
    for (const pattern of ['caf?', 'c*', '**/x', '[!a]af[!a-z]']) expect(fits(pattern, path), pattern).toBe(true);
    for (const pattern of ['caf', 'caf??', 'caf\u00e9', 'caf[\u0080-\u00ff]'])
      expect(fits(pattern, path), pattern).toBe(false);
  });

  test.each([
    ['', 'is empty'],
    ['a/../b', 'has the name ".."'],
    ['*'.repeat(100_000), 'is longer than 8192 characters'],
  ])('%.20j is refused', (pattern, why) => {
    const expected = { code: 'DIMGX_OPTION_INVALID', message: expect.stringContaining(why) };
    expect(() => new Glob(pattern)).toThrow(expect.objectContaining(expected));
  });

  test('takes no long time, however many wildcards it has', () => {
    const name = 'a'.repeat(255);
    expect(fits(`${'*a'.repeat(120)}*b`, name)).toBe(false);
    expect(fits(`${'**/a/'.repeat(300)}b`, Array(2000).fill('a').join('/'))).toBe(false);
  });

  test('fits what a regular expression for it fits', () => {
    const part = fc.constantFrom('a', 'b', '*', '?', 'ab', '[ab]', '[!a]', 'a*b');
    const name = fc.constantFrom('a', 'b', 'ab', 'ba', 'abb', 'c');
    const pattern = fc.array(fc.oneof(part, fc.constant('**')), { minLength: 1, maxLength: 5 });
    const path = fc.array(name, { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(pattern, path, (parts, names) => {
        const isFitting = globExpression(parts.join('/')).test(`${names.join('/')}/`);
        expect(fits(parts.join('/'), names.join('/'))).toBe(isFitting);
      }),
      { numRuns: 3000 },
    );
  });
});
