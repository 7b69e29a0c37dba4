import { describe, expect, test } from 'vitest';
import { changesOf } from '#dimgx/evidence/changes.js';
import { countChanges } from '#dimgx/evidence/count-changes.js';
import { Versions } from '#dimgx/evidence/versions.js';
import { mergeLayers } from '#dimgx/merge/merge-layers.js';
import { type FlattenLayersOptions, type LayerSpec, withLayers } from '../helpers/flatten-layers.js';
import type { RawEntry } from '../helpers/raw-layer.js';

/** `d/`: a directory. `l -> t`: a symlink. `h = f`: a hard link. Else a file. */
function entries(...names: readonly string[]): RawEntry[] {
  return names.map((text) => {
    const [, name = text, sign, link = ''] = /^(.+) (->|=) (.+)$/.exec(text) ?? [];
    if (sign) return { name, type: sign === '=' ? '1' : '2', link };
    return name.endsWith('/') ? { name, type: '5' } : { name, content: name };
  });
}

type Range = readonly [from: number, to: number];

/** What a range of layers did, as lines; default: the newest. */
function linesOf(layers: readonly LayerSpec[], range?: Range, options: FlattenLayersOptions = {}): Promise<string[]> {
  const last = layers.length - 1;
  const [from, to] = range ?? [last, last];
  return withLayers(layers, options, (indexes) => {
    const versions = new Versions(mergeLayers(indexes, { ...options, explain: true }));
    return [...changesOf(versions, from, to)].map(({ kind, path }) => `${kind} /${path.toString('latin1')}`);
  });
}

function countsOf(layers: readonly LayerSpec[], options: FlattenLayersOptions = {}) {
  return withLayers(layers, options, (indexes) =>
    countChanges(new Versions(mergeLayers(indexes, { ...options, explain: true }))),
  );
}

const BELOW = entries('d/', 'd/a', 'd/sub/', 'd/sub/b', 'f', 'l -> f');

describe('the newest layer', () => {
  test.each<readonly [what: string, layer: readonly string[], lines: readonly string[]]>([
    ['adds a file to a directory that it describes', ['d/', 'd/new'], ['C /d', 'A /d/new']],
    ['adds a file to a directory that it does not describe', ['d/new'], ['A /d/new']],
    ['adds directories that are only implied', ['x/y/new'], ['A /x', 'A /x/y', 'A /x/y/new']],
    ['writes a file again', ['f'], ['C /f']],
    ['describes a path twice', ['d/', 'f', 'd/', 'f', 'new', 'new'], ['C /d', 'C /f', 'A /new']],
    ['removes a file', ['.wh.f'], ['D /f']],
    ['removes a directory', ['.wh.d'], ['D /d']],
    ['removes a directory, and what is in it', ['.wh.d', 'd/.wh.a', 'd/sub/.wh.b'], ['D /d']],
    ['removes what is not there', ['.wh.x', 'd/.wh.x'], []],
    ['removes a directory and makes it anew', ['.wh.d', 'd/'], ['C /d', 'D /d/a', 'D /d/sub']],
    ['removes a directory and implies it anew', ['.wh.d', 'd/a'], ['C /d', 'C /d/a', 'D /d/sub']],
    ['empties a directory', ['d/', 'd/.wh..wh..opq'], ['C /d', 'D /d/a', 'D /d/sub']],
    ['empties a directory that it does not describe', ['d/.wh..wh..opq', 'd/new'], ['D /d/a', 'A /d/new', 'D /d/sub']],
    [
      'empties a directory and fills it with the same names',
      ['d/.wh..wh..opq', 'd/', 'd/a', 'd/sub/', 'd/sub/c'],
      ['C /d', 'C /d/a', 'C /d/sub', 'D /d/sub/b', 'A /d/sub/c'],
    ],
    ['puts a file in the place of a directory', ['d'], ['C /d']],
    ['puts a symlink in the place of a directory', ['.wh.d', 'd -> f'], ['C /d']],
    ['puts a directory in the place of a file', ['f/', 'f/in'], ['C /f', 'A /f/in']],
    ['puts a directory in the place of a file, implied', ['f/in'], ['C /f', 'A /f/in']],
    ['puts a directory in the place of a symlink', ['l/', 'l/in'], ['C /l', 'A /l/in']],
    ['puts a symlink in the place of a file', ['f -> d'], ['C /f']],
    ['links', ['f', 'h = f'], ['C /f', 'A /h']],
    ['writes through a symlink of its own', ['s -> d', 's/new'], ['A /d/new', 'A /s']],
    ['adds and removes in itself', ['new', 'new/', 'new', 'f', 'f/', 'f'], ['C /f', 'A /new']],
    ['describes the root', ['./', 'new'], ['A /new']],
    ['empties the root', ['.wh..wh..opq', 'd/'], ['C /d', 'D /d/a', 'D /d/sub', 'D /f', 'D /l']],
    ['has what AUFS left', ['.wh..wh.plnk', '.wh..wh.plnk/1'], []],
  ])('%s', async (_, layer, lines) => {
    expect(await linesOf([BELOW, entries(...layer)])).toEqual(lines);
    const [, counts] = await countsOf([BELOW, entries(...layer)]);
    const count = (kind: string) => lines.filter((line) => line.startsWith(kind)).length;
    expect(counts).toMatchObject({ added: count('A'), changed: count('C'), removed: count('D') });
  });
});

describe('several layers together', () => {
  const stack = [
    BELOW,
    entries('d/', 'd/new', '.wh.f', 'g'),
    entries('d/.wh..wh..opq', 'd/', 'd/other', 'f', '.wh.g'),
    entries('.wh.d', 'd/', 'd/other'),
  ];

  test.each<readonly [Range, readonly string[]]>([
    [
      [0, 0],
      ['A /d', 'A /d/a', 'A /d/sub', 'A /d/sub/b', 'A /f', 'A /l'],
    ],
    [
      [1, 1],
      ['C /d', 'A /d/new', 'D /f', 'A /g'],
    ],
    [
      [2, 2],
      ['C /d', 'D /d/a', 'D /d/new', 'A /d/other', 'D /d/sub', 'A /f', 'D /g'],
    ],
    [
      [3, 3],
      ['C /d', 'C /d/other'],
    ],
    [
      [1, 2],
      ['C /d', 'D /d/a', 'A /d/other', 'D /d/sub', 'C /f'],
    ],
    [
      [0, 3],
      ['A /d', 'A /d/other', 'A /f', 'A /l'],
    ],
  ])('%j', async (range, lines) => {
    expect(await linesOf(stack, range)).toEqual(lines);
  });

  test('are counted one by one', async () => {
    expect(await countsOf(stack)).toEqual([
      { added: 6, changed: 0, removed: 0, bytes: 'd/a'.length + 'd/sub/b'.length + 'f'.length },
      { added: 2, changed: 1, removed: 1, bytes: 'd/new'.length + 'g'.length },
      { added: 2, changed: 1, removed: 4, bytes: 'd/other'.length + 'f'.length },
      { added: 0, changed: 2, removed: 0, bytes: 'd/other'.length },
    ]);
  });

  test('a directory that an older one describes and a newer one empties has changed', async () => {
    expect(await linesOf([BELOW, entries('d/'), entries('d/.wh..wh..opq')], [1, 2])).toEqual([
      ...['C /d', 'D /d/a', 'D /d/sub'],
    ]);
  });

  test('what only a newer one describes is not theirs', async () => {
    const layers = [BELOW, entries('x/new'), entries('x/', 'd/')];
    expect(await linesOf(layers, [1, 1])).toEqual(['A /x', 'A /x/new']);
    expect(await linesOf(layers, [2, 2])).toEqual(['C /d', 'C /x']);
  });
});

test('lines are sorted by the bytes of the paths, whatever the directories', async () => {
  const names = [
    'a/',
    'a/b',
    'a-/',
    'a-/c',
    'a-b',
    'a.d',
    'a0',
    'a/b0',
    'a/b-',
    '\xe9/x',
    '~',
    'a-/-',
    'a!/',
    'a!/!/z',
  ];
  const lines = await linesOf([BELOW, entries(...names)]);
  const paths = lines.map((line) => line.slice(2));
  expect(paths).toEqual(paths.toSorted((one, other) => (one < other ? -1 : 1)));
  expect(paths).toHaveLength(16);
});

test('what the caller left out is not told', async () => {
  const devices: RawEntry[] = [{ name: 'd/null', type: '3', device: [1, 3] }];
  const layers = [BELOW, [...devices, ...entries('f', 'd/a', '.wh.l')]];
  expect(await linesOf(layers, undefined, { excludeDevices: true })).toEqual(['C /d/a', 'C /f', 'D /l']);
  expect(await linesOf(layers, undefined, { paths: ['+/d'] })).toEqual(['C /d/a', 'A /d/null']);
  expect(await countsOf(layers, { paths: ['+/d'] })).toMatchObject([
    { added: 4 },
    { added: 1, changed: 1, removed: 0 },
  ]);
});
