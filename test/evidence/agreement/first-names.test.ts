import { describe, expect, test } from 'vitest';
import { FirstNames } from '#dimgx/evidence/agreement/first-names.js';
import type { FileFacts } from '#dimgx/evidence/header-facts.js';

const NONE = -1;
const bytes = (text: string) => Buffer.from(text, 'latin1');
const hashOf = (i: number) => i.toString(16).padStart(64, '0');
const file = (i: number): FileFacts => ({ type: 'file', size: i, xattrs: new Map(), sha256: hashOf(i) });

test('every file is found by its first name, and nothing else is', () => {
  const names = new FirstNames();
  for (let i = 0; i < 5000; i++) names.add(bytes(`a/${i}`), file(i), i + 1);
  for (let i = 0; i < 5000; i++) {
    const row = names.find(bytes(`a/${i}`));
    expect([names.inode(row), names.facts(row)]).toEqual([i + 1, file(i)]);
  }
  expect(['', 'a', 'a/', 'a/5000', 'A/1'].map((path) => names.find(bytes(path)))).toEqual(Array(5).fill(NONE));
});

test('of two with one name, the last counts: a million of them take no longer than others', () => {
  const names = new FirstNames();
  for (let i = 0; i < 100_000; i++) names.add(bytes('a'), i % 2 ? file(i) : symlink(`${i}`), i);
  expect(names.facts(names.find(bytes('a')))).toEqual(file(99_999));
  names.add(bytes('a'), symlink('b'), 7);
  expect(names.facts(names.find(bytes('a')))).toEqual(symlink('b'));
});

describe('what is kept is a copy', () => {
  test('of targets and xattrs', () => {
    const names = new FirstNames();
    const buffer = bytes('target');
    names.add(bytes('a'), { ...symlink(''), target: buffer, xattrs: new Map([['user.a', buffer]]) }, 1);
    buffer.fill(0);
    const { target, xattrs } = names.facts(names.find(bytes('a')));
    expect([target, xattrs.get('user.a')].map((value) => Buffer.from(value ?? []).toString())).toEqual([
      'target',
      'target',
    ]);
  });
});

test('times are kept', () => {
  const names = new FirstNames();
  const facts = { ...file(1), atime: { seconds: 1, nanos: 2 } };
  names.add(bytes('a'), facts, 1);
  expect(names.facts(names.find(bytes('a')))).toEqual(facts);
});

test('xattrs of hundreds of megabytes are refused', () => {
  const names = new FirstNames();
  const value = Buffer.alloc(2 ** 25);
  const add = (i: number) => names.add(bytes(`${i}`), { ...file(i), xattrs: new Map([['user.a', value]]) }, i);
  for (let i = 0; i < 7; i++) add(i);
  expect(() => add(7)).toThrow(expect.objectContaining({ code: 'DIMGX_LIMIT_NAMES' }));
});

function symlink(target: string): FileFacts {
  return { type: 'symlink', size: 0, target: Uint8Array.from(bytes(target)), xattrs: new Map() };
}
