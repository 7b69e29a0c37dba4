import { expect, test } from 'vitest';
import { InodeNames } from '#dimgx/evidence/agreement/inode-names.js';

const bytes = (text: string) => Buffer.from(text);

/** Names with their inodes, and how many names these should have. */
function namesOf(...names: readonly Name[]): InodeNames {
  const table = new InodeNames();
  for (const [inode, nlink, path] of names) table.add(inode, nlink, bytes(path));
  table.sort();
  return table;
}

test('the names of each inode are counted', () => {
  const names = namesOf([9, 2, 'a'], [4, 1, 'b'], [9, 2, 'c'], [2_147_483_647, 1, 'd']);
  expect([1, 4, 9, 10, 2_147_483_647].map((inode) => names.count(inode))).toEqual([0, 1, 2, 0, 1]);
  expect(names.miscounted()).toBe(-1);
});

type Name = readonly [inode: number, nlink: number, path: string];

const MISCOUNTED: readonly (readonly [what: string, names: readonly Name[], first: number])[] = [
  [
    'fewer than there should be',
    [
      [1, 1, 'a'],
      [2, 2, 'b'],
      [3, 1, 'c'],
    ],
    1,
  ],
  [
    'more',
    [
      [1, 1, 'a'],
      [3, 1, 'b'],
      [1, 1, 'c'],
    ],
    0,
  ],
  [
    'some that say so and some that do not',
    [
      [5, 1, 'a'],
      [3, 2, 'b'],
      [3, 3, 'c'],
      [1, 2, 'd'],
    ],
    2,
  ],
  ['none at all', [], -1],
];

test.each(MISCOUNTED)('%s are found, by the first of them', (_, names, first) => {
  expect(namesOf(...names).miscounted()).toBe(first);
});

test('the first names of an inode are told from others', () => {
  const names = namesOf([2, 3, 'a'], [1, 1, 'b'], [2, 3, 'c'], [2, 3, 'd']);
  const begins = (...paths: readonly string[]) => names.begins(2, paths.map(bytes));
  expect([begins(), begins('a'), begins('a', 'c'), begins('a', 'c', 'd')]).toEqual(Array(4).fill(true));
  expect([begins('b'), begins('c'), begins('a', 'd'), begins('a', 'c', 'd', 'e'), begins('A')]).toEqual(
    Array(5).fill(false),
  );
  expect([names.begins(7, []), names.begins(7, [bytes('a')])]).toEqual([true, false]);
});
