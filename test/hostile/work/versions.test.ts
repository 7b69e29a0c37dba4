import { describe, test } from 'vitest';
import { dockerArchive } from '../../helpers/docker-archive.js';
import { expectLinearWork } from '../../helpers/linear-work.js';
import { type RawEntry, rawLayer } from '../../helpers/raw-layer.js';
import { inTurn } from '../../helpers/short-or-long.js';

/** Shapes of layers that have many versions of few paths, or few versions that have much to tell. */
const file = (name: string): RawEntry => ({ name });
const dir = (name: string): RawEntry => ({ name, type: '5' });
const link = (name: string, target: string): RawEntry => ({ name, type: '1', link: target });
const each = (n: number, make: (i: number) => RawEntry) => Array.from({ length: n }, (_, i) => make(i));
const deep = 'd/'.repeat(1000);

/** What lists all versions, and what writes all that are hidden. */
const WAYS = [
  ['ls', '--hidden', '--recursive', '-q'],
  ['--provenance=/dev/null'],
  ['--hidden-to=/dev/null', '-t', '/dev/null'],
];

describe('work and output grow as the layers do: so many', () => {
  test.each<[string, (n: number) => readonly RawEntry[][], number?]>([
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
  ])('%s', async (_, layersOf, n = 1500) => {
    const image = (count: number) => dockerArchive([{ layers: layersOf(count).map((layer) => rawLayer(layer)) }]);
    for (const args of inTurn(WAYS)) await expectLinearWork(image, n, { args });
  });

  test('hidden files that rules keep, in directories that were emptied over and over', async () => {
    const image = (n: number) =>
      dockerArchive([
        {
          layers: [
            rawLayer([dir('d'), ...each(n, (i) => file(`d/${i}`))]),
            rawLayer(each(n, () => file('d/.wh..wh..opq'))),
            rawLayer([file('.wh.d')]),
          ],
        },
      ]);
    const rules = ['--include=d/*', '--exclude=**/*2', '--include=**/*32'];
    await expectLinearWork(image, 4000, { args: ['--provenance=/dev/null', ...rules] });
  });
});
