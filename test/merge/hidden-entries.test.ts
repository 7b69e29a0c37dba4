import { expect, test } from 'vitest';
import { mergeLayers } from '#dimgx/merge/merge-layers.js';
import { planColumns } from '#dimgx/merge/merge-plan.js';
import { type LayerSpec, withLayers } from '../helpers/flatten-layers.js';
import type { RawEntry } from '../helpers/raw-layer.js';

const file = (name: string): RawEntry => ({ name });
const dir = (name: string): RawEntry => ({ name, type: '5' });

/** `PATH HOW OF`, for each entry that is not written. */
function hidden(layers: readonly LayerSpec[]): Promise<string[]> {
  return withLayers(layers, {}, (indexes) => {
    const text = (path: Uint8Array | undefined) => Buffer.from(path ?? []).toString('latin1');
    const { hiddenRefs } = planColumns(mergeLayers(indexes, { explain: true }));
    return [...hiddenRefs()].map(({ layer, entry, by }) =>
      [text(indexes[layer]?.entries.at(entry)?.pathBytes), ...(by ? [by.how, text(by.path)] : [])].join(' '),
    );
  });
}

test.each<[string, readonly LayerSpec[], readonly string[]]>([
  ['nothing', [[file('a')], [dir('b')]], []],
  ['a file removed', [[file('a')], [file('.wh.a')]], ['.wh.a', 'a removal .wh.a']],
  ['a tree removed', [[dir('d'), file('d/f')], [file('.wh.d')]], ['.wh.d', 'd removal .wh.d', 'd/f removal .wh.d']],
  ['a file replaced', [[file('a')], [file('./a')]], ['a replacement a']],
  ['a tree replaced by a file', [[file('d/f')], [file('d')]], ['d/f replacement d']],
  ['a file replaced by a directory that a path implies', [[file('a')], [file('a/f')]], ['a replacement a/f']],
  [
    'a symlink replaced by the directory of a marker',
    [[dir('t'), { name: 's', type: '2', link: 't' }], [file('s/.wh.x')]],
    ['s/.wh.x', 's replacement s/.wh.x'],
  ],
  ['a directory described anew', [[dir('d')], [dir('d')]], ['d replacement d']],
  ['a duplicate', [[file('a'), file('a')]], ['a replacement a']],
  [
    'children of an opaque directory, and not itself',
    [[dir('d'), file('d/f')], [file('d/.wh..wh..opq')]],
    ['d/.wh..wh..opq', 'd/f opaque d/.wh..wh..opq'],
  ],
  [
    'an emptied directory that is removed later',
    [[dir('d')], [file('d/.wh..wh..opq')], [file('.wh.d')]],
    ['.wh.d', 'd/.wh..wh..opq', 'd removal .wh.d'],
  ],
  [
    'an emptied directory that is described anew',
    [[dir('d')], [file('d/.wh..wh..opq'), dir('d')]],
    ['d/.wh..wh..opq', 'd replacement d'],
  ],
  [
    'a file removed by a whiteout that is a device 0:0',
    [[file('a')], [{ name: '.wh.a', type: '3', device: [0, 0] }]],
    ['.wh.a', 'a removal .wh.a'],
  ],
  [
    'children of a directory with an opaque marker that is a device 0:0',
    [[dir('d'), file('d/f')], [{ name: 'd/.wh..wh..opq', type: '3', device: [0, 0] }]],
    ['d/.wh..wh..opq', 'd/f opaque d/.wh..wh..opq'],
  ],
  ['leftovers of AUFS', [[file('.wh..wh.plnk/1')]], ['.wh..wh.plnk/1']],
])('%s', async (_, layers, expected) => expect(await hidden(layers)).toEqual(expected));
