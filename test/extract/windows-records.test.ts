import { describe, expect, test } from 'vitest';
import { type FlattenLayersOptions, flattenLayers, type LayerSpec } from '../helpers/flatten-layers.js';
import type { RawEntry } from '../helpers/raw-layer.js';
import { readTar } from '../helpers/raw-tar.js';

const RECORDS = [
  ['MSWINDOWS.rawsd', 'AQAEgBQAAAAkAAAA\0=\n'],
  ['MSWINDOWS.fileattr', '32'],
  ['LIBARCHIVE.creationtime', '1600000000.5'],
] as const;

const windows = (name: string, rest: Partial<RawEntry> = {}): RawEntry => ({ name, pax: RECORDS, ...rest });
const BASE: readonly RawEntry[] = [
  windows('Files', { type: '5' }),
  windows('Files/a.dll', { content: 'dll' }),
  windows('Files/old.txt', { content: 'old' }),
  windows('Hives', { type: '5' }),
  windows('Hives/System_Base', { content: 'hive' }),
];
const TOP: readonly RawEntry[] = [
  windows('Files', { type: '5' }),
  { name: 'Files/.wh.old.txt' },
  windows('Files/Documents and Settings', {
    type: '2',
    link: 'C:\\Users',
    pax: [...RECORDS, ['MSWINDOWS.mountpoint', '1']],
  }),
];

/** By name, the records that stand in the output. */
async function records(layers: readonly LayerSpec[], options: FlattenLayersOptions = {}) {
  const { tar, codes } = await flattenLayers(layers, options);
  const read = await readTar(tar);
  return {
    codes,
    records: Object.fromEntries(read.map(({ name, pax }) => [name.replace(/^\.\/|\/$/g, ''), pax])),
    tar,
  };
}

describe('an image for Windows keeps its records byte for byte', () => {
  test.each(['windows', 'Windows'])('whose config says %s', async (os) => {
    const { codes, records: kept } = await records([BASE, TOP], { os });
    expect(codes).toEqual([]);
    expect(kept).toEqual({
      Files: RECORDS,
      'Files/Documents and Settings': [...RECORDS, ['MSWINDOWS.mountpoint', '1']],
      'Files/a.dll': RECORDS,
      Hives: RECORDS,
      'Hives/System_Base': RECORDS,
    });
  });

  test('whose layers are laid out so, whatever the config says', async () => {
    const { codes, records: kept } = await records([BASE, TOP], { os: 'linux' });
    expect(codes).toEqual([]);
    expect(kept['Files/a.dll']).toEqual(RECORDS);
  });

  test('where its headers are rewritten, too', async () => {
    const { records: kept } = await records(
      [
        [
          windows('/Files//a', { content: 'a', uid: -2 }),
          windows('Files/odd', { content: 'b', pax: [...RECORDS, ['VENDOR.key', 'x'], ['uid', '-2']] }),
          windows('./Files/first', { content: 'c' }),
          windows('Files/second', { type: '1', link: 'Files/first' }),
          windows('Files/third', { type: '1', link: '/Files/first', mtime: 5 }),
        ],
        [{ name: 'Files/.wh.first' }],
      ],
      { os: 'windows' },
    );
    for (const name of ['Files/a', 'Files/odd', 'Files/second', 'Files/third']) {
      expect(kept[name], name).toEqual(RECORDS);
    }
  });
});

test.each<[string, readonly RawEntry[]]>([
  ['without their folders', [windows('a', { content: 'x' }), windows('b', { content: 'y' })]],
  ['with one of their folders', [windows('Files/a', { content: 'x' }), windows('b', { content: 'y' })]],
])('an image for Linux loses records of Windows, with one warning: %s', async (_, layer) => {
  const { tar, warnings } = await flattenLayers([layer]);
  const plain = layer.map(({ name, content = '' }) => ({ name, content }));
  expect(tar.equals((await flattenLayers([plain])).tar)).toBe(true);
  expect(warnings).toMatchObject([{ code: 'DIMGX_ENTRY_PAX_RECORD', count: 2 }]);
});

test('records of Windows and of others are counted together', async () => {
  const odd: RawEntry = { name: 'odd', pax: [['VENDOR.key', 'x']] };
  const { warnings } = await flattenLayers([[windows('a'), odd, { ...odd, pax: [...RECORDS, ['VENDOR.key', 'x']] }]]);
  expect(warnings.find(({ code }) => code === 'DIMGX_ENTRY_PAX_RECORD')?.count).toBe(3);
});
