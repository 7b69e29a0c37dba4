import { describe, expect, test } from 'vitest';
import { VersionChains } from '#dimgx/evidence/agreement/version-chains.js';
import { recordedEntry } from '../../helpers/recorded-entry.js';

type Line = readonly [
  path: string,
  layer: number,
  inode: number,
  shadows?: readonly (readonly [layer: number, inode: number])[],
];

function areWhole(lines: readonly Line[], type: 'file' | 'directory' = 'file', moreShadows = 0): boolean {
  const chains = new VersionChains();
  for (const [path, layer, inode, shadows = []] of lines) {
    const listed = shadows.map(([of, number]) => ({ layer: of, inode: number }));
    chains.add(recordedEntry({ path, type, origin: { layer, inode, shadows: listed, moreShadows } }));
  }
  return chains.areWhole();
}

const CHAIN: readonly Line[] = [
  [
    'a',
    3,
    9,
    [
      [2, 5],
      [1, 1],
    ],
  ],
  ['b', 1, 2],
  ['a', 1, 1],
  ['a', 2, 5, [[1, 1]]],
];

test('versions that name one another are whole, in any order', () => {
  expect([areWhole([]), areWhole(CHAIN), areWhole(CHAIN.toReversed())]).toEqual([true, true, true]);
});

describe('they are not', () => {
  test.each(CHAIN.map((_, i) => i).filter((i) => CHAIN[i]?.[0] === 'a' && i > 0))('without line %i', (i) => {
    expect(areWhole(CHAIN.toSpliced(i, 1))).toBe(false);
  });

  test.each<readonly [string, readonly Line[]]>([
    ['if one names too few', [['a', 3, 9, [[2, 5]]], ...CHAIN.slice(1)]],
    ['if the newest names none', [['a', 3, 9], ...CHAIN.slice(1)]],
    ['if one is passed over', [['a', 3, 9, [[1, 1]]], ...CHAIN.slice(1)]],
    [
      'if one is named in another layer',
      [
        [
          'a',
          3,
          9,
          [
            [3, 5],
            [1, 1],
          ],
        ],
        ...CHAIN.slice(1),
      ],
    ],
    [
      'if one has another inode',
      [
        [
          'a',
          3,
          9,
          [
            [2, 6],
            [1, 1],
          ],
        ],
        ...CHAIN.slice(1),
      ],
    ],
    ['if one is of another path', CHAIN.with(2, ['c', 1, 1])],
    ['if there is one twice', [...CHAIN, ['a', 1, 1]]],
  ])('%s', (_, lines) => {
    expect(areWhole(lines)).toBe(false);
  });
});

test('a directory may name its own older descriptions, a file may not', () => {
  const lines: readonly Line[] = [
    [
      'a',
      3,
      1,
      [
        [2, 1],
        [1, 7],
      ],
    ],
    ['a', 1, 7],
  ];
  expect([areWhole(lines, 'directory'), areWhole(lines, 'file')]).toEqual([true, false]);
});

test('a list that was cut does not say what the next one has', () => {
  expect(
    areWhole(
      [
        ['a', 3, 9, [[2, 5]]],
        ['a', 2, 5, [[1, 1]]],
      ],
      'file',
      1,
    ),
  ).toBe(false);
  expect(areWhole([['a', 3, 9, [[2, 5]]]], 'file', 1)).toBe(false);
  expect(
    areWhole(
      [
        ['a', 3, 9, [[2, 5]]],
        ['a', 2, 5],
      ],
      'file',
      1,
    ),
  ).toBe(true);
});
