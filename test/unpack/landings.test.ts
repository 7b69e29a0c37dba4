import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Landings } from '#dimgx/unpack/landings.js';

const sourceOf = (path: string, name: string) => ({
  path: Buffer.from(path, 'latin1'),
  name: Buffer.from(name, 'latin1'),
});
const sourcesOf = (paths: readonly string[]) =>
  paths.map((path) => sourceOf(path, path.slice(path.lastIndexOf('/') + 1)));

/** Where each entry of a tree goes; what goes nowhere is left out. */
function landingsOf(landings: Landings, entries: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    entries.flatMap((path) => {
      const landing = landings.of(path);
      return landing === undefined ? [] : [[path, landing]];
    }),
  );
}

const ENTRIES = ['', 'a', 'a/b', 'a/b/c', 'a/bc', 'a/bc/d', 'ab', 'ab/c', 'z'];

test.each([
  ['a copy keeps its name', ['a/b'], {}, { 'a/b': 'b', 'a/b/c': 'b/c' }],
  ['or has another one', ['a/b'], { name: 'x' }, { 'a/b': 'x', 'a/b/c': 'x/c' }],
  ['or its whole path', ['a/b', 'z'], { parents: true }, { a: 'a', 'a/b': 'a/b', 'a/b/c': 'a/b/c', z: 'z' }],
  ['everything', [''], {}, Object.fromEntries(ENTRIES.map((path) => [path, path]))],
  [
    'everything has another name',
    [''],
    { name: 'x' },
    Object.fromEntries(ENTRIES.map((path) => [path, path === '' ? 'x' : `x/${path}`])),
  ],
  [
    'one inside another',
    ['a/b', 'a', 'a/b/c'],
    {},
    { a: 'a', 'a/b': 'a/b', 'a/b/c': 'a/b/c', 'a/bc': 'a/bc', 'a/bc/d': 'a/bc/d' },
  ],
])('%s', (_, sources, rule, expected) => {
  expect(landingsOf(new Landings(sourcesOf(sources), rule), ENTRIES)).toEqual(expected);
});

test('contents go into the folder', () => {
  const landings = new Landings([sourceOf('a/b', '')], {});
  expect(landingsOf(landings, ENTRIES)).toEqual({ 'a/b': '', 'a/b/c': 'c' });
});

test('a source has the name that it was given, but for another name or its whole path', () => {
  const sources = [sourceOf('a/b', 'way')];
  expect(landingsOf(new Landings(sources, {}), ENTRIES)).toEqual({ 'a/b': 'way', 'a/b/c': 'way/c' });
  expect(landingsOf(new Landings(sources, { name: 'x' }), ENTRIES)).toEqual({ 'a/b': 'x', 'a/b/c': 'x/c' });
  expect(landingsOf(new Landings(sources, { parents: true }), ENTRIES)).toMatchObject({ 'a/b/c': 'a/b/c' });
});

test('one source with two names is refused, unless the names do not count', () => {
  const sources = [sourceOf('a/b', 'way'), sourceOf('a/b', 'b')];
  const message = '"/a/b" would have two names: copy it twice, or keep its whole path';
  expect(() => new Landings(sources, {})).toThrow(message);
  expect(landingsOf(new Landings(sources, { parents: true }), ['a/b'])).toEqual({ 'a/b': 'a/b' });
});

test('where an entry goes does not depend on those before it', () => {
  const path = fc.array(fc.constantFrom('a', 'b', 'ab'), { maxLength: 4 }).map((names) => names.join('/'));
  fc.assert(
    fc.property(fc.array(path, { minLength: 1 }), fc.array(path), (sources, entries) => {
      const make = () => new Landings(sourcesOf(sources), { parents: true });
      const one = make();
      const isIn = (entry: string) => sources.some((source) => source === '' || `${entry}/`.startsWith(`${source}/`));
      const isAbove = (entry: string) => entry !== '' && sources.some((source) => source.startsWith(`${entry}/`));
      for (const entry of entries) {
        expect(one.of(entry)).toBe(make().of(entry));
        expect(one.of(entry)).toBe(isIn(entry) || isAbove(entry) ? entry : undefined);
      }
    }),
  );
});
