import { describe, test } from 'vitest';
import { hiddenPlan } from '#dimgx/evidence/hidden-plan.js';
import { listPaths } from '#dimgx/evidence/list-paths.js';
import { listVersions } from '#dimgx/evidence/list-versions.js';
import { Versions } from '#dimgx/evidence/versions.js';
import { mergeLayers } from '#dimgx/merge/merge-layers.js';
import { planColumns } from '#dimgx/merge/merge-plan.js';
import { type LayerSpec, withLayers } from '../../helpers/flatten-layers.js';
import { expectLinearBlocks } from '../../helpers/linear-blocks.js';
import type { RawEntry } from '../../helpers/raw-layer.js';
import { shortOrLong } from '../../helpers/short-or-long.js';

/** Shapes of layers that have many versions of few paths, or few versions that have much to tell. */
const file = (name: string): RawEntry => ({ name });
const dir = (name: string): RawEntry => ({ name, type: '5' });
const link = (name: string, target: string): RawEntry => ({ name, type: '1', link: target });
const each = (n: number, make: (i: number) => RawEntry) => Array.from({ length: n }, (_, i) => make(i));
const deep = 'd/'.repeat(1000);

/** Lists all versions in both orders, and makes all headers of the hidden tar. @returns how much that is */
function use(layers: readonly LayerSpec[], paths?: readonly string[]): Promise<number> {
  return withLayers(layers, {}, (indexes) => {
    const options = { ...(paths && { paths }) };
    let output = 0;
    for (const version of listVersions(indexes, options)) output += JSON.stringify(version).length;
    const versions = new Versions(mergeLayers(indexes, { ...options, explain: true }));
    for (const _ of listPaths(versions, [], { recursive: true, hidden: true })) output++;
    const plan = planColumns(hiddenPlan(versions));
    for (let item = 0; item < plan.length; item++) output += plan.changes.get(item)?.path.length ?? 0;
    return output;
  });
}

describe('work and output grow as the layers do: so many', () => {
  test.each<[string, (n: number) => readonly LayerSpec[], number?]>([
    ['entries of one file', (n) => [each(n, () => file('a'))]],
    ['entries of one directory', (n) => [each(n, () => dir('a'))]],
    [
      'entries of one path, a file and a directory in turn',
      (n) => [each(n, (i) => (i % 2 ? dir('a') : file('a'))), [file('.wh.a')]],
    ],
    [
      'directories with a child that give way to a file',
      (n) => [each(3 * n, (i) => [dir('a'), file('a/f'), file('a')][i % 3] as RawEntry)],
    ],
    [
      'layers with two versions of a path of their own',
      (n) => each(n, (i) => file(`a${i}`)).map((entry) => [entry, entry]),
      300,
    ],
    [
      'opaque markers of a directory',
      (n) => [[dir('d'), file('d/f')], each(n, () => file('d/.wh..wh..opq')), [file('.wh.d')]],
    ],
    ['opaque markers of the root', (n) => [[dir('d'), file('d/f')], each(n, () => file('.wh..wh..opq'))]],
    [
      'hidden and present names of one file',
      (n) => [
        [file('f'), ...each(n, (i) => link(`h/${i}`, 'f')), ...each(n, (i) => link(`p/${i}`, 'f'))],
        [file('.wh.h')],
      ],
    ],
    [
      'hidden names of two files in turn, with long present names',
      (n) => [
        [
          file('f'),
          file('g'),
          ...each(n, (i) => link(`h/${i}`, i % 2 ? 'f' : 'g')),
          ...each(n, (i) => link(`${'n'.repeat(200)}${i}`, i % 2 ? 'f' : 'g')),
        ],
        [file('.wh.h')],
      ],
    ],
    ['hidden files at the end of a long path', (n) => [each(n, (i) => file(`${deep}${i}`)), [file('.wh.d')]]],
    [
      'files at the end of a long path that their own layer makes a file',
      (n) => [[...each(n, (i) => file(`${deep}${i}`)), file('d')], [file('.wh.d')]],
    ],
    [
      'generations of a long path',
      (n) => [each(3 * n, (i) => [file(`${deep}f`), file('d'), dir('d')][i % 3] as RawEntry), [file('.wh.d')]],
      200,
    ],
    ['whiteouts', (n) => [each(n, (i) => file(`d/${i}`)), each(n, (i) => file(`d/.wh.${i}`))]],
  ])('%s', async (_, layersOf, n = shortOrLong(1500, 6000)) => {
    await expectLinearBlocks((count) => use(layersOf(count)), n);
  });

  test('hidden files that rules keep, in directories that were emptied over and over', async () => {
    const layersOf = (n: number) => [
      [dir('d'), ...each(n, (i) => file(`d/${i}`))],
      each(n, () => file('d/.wh..wh..opq')),
      [file('.wh.d')],
    ];
    await expectLinearBlocks((n) => use(layersOf(n), ['+d/*', '-**/*2', '+**/*32']), shortOrLong(500, 4000));
  });
});
