import { paxHeader, rawEntry } from '../../helpers/raw-tar.js';
import { type Case, file, type Section } from '../case.js';
import { GNU_SPARSE, GO_TAR } from '../sources.js';

const HOLE = '\0'.repeat(1024);
type Records = readonly (readonly [string, string])[];

const sparse = (key: string, value: string) => [`GNU.sparse.${key}`, value] as const;
const stored = (records: Records, contents: string, name = 'GNUSparseFile.1/s') => [
  file('first'),
  paxHeader(records),
  rawEntry({ name }, contents),
];
const mapped = (map: string, size: number): Records => [
  sparse('size', String(size)),
  sparse('numblocks', String(map.split(',').length / 2)),
  sparse('name', 's'),
  sparse('map', map),
];
const headed = (size: number): Records => [
  sparse('major', '1'),
  sparse('minor', '0'),
  sparse('name', 's'),
  sparse('realsize', String(size)),
];
const head = (text: string) => text.padEnd(512, '\0');
const EXPANDED = ['first=', `s=${HOLE}sparse`];
const refused = (name: string, records: Records, contents: string): Case => ({
  name,
  layers: [stored(records, contents)],
  refused: 'DIMGX_TAR_BAD_SPARSE',
});

export const SPARSE: Section = {
  title: 'Tar: sparse files',
  rules: [
    {
      row: '11.8',
      says: 'Sparse files of the PAX forms 0.0, 0.1 and 1.0 are expanded; their real name is `GNU.sparse.name`, their size `GNU.sparse.size` or `realsize`.',
      source: GNU_SPARSE,
      cases: [
        {
          name: '0.0, pairs in records',
          layers: [
            stored(
              [sparse('size', '1030'), sparse('numblocks', '1'), sparse('offset', '1024'), sparse('numbytes', '6')],
              'sparse',
              's',
            ),
          ],
          tree: EXPANDED,
          warnings: ['DIMGX_ENTRY_SPARSE'],
        },
        {
          name: '0.1, a map in a record',
          layers: [stored(mapped('1024,6', 1030), 'sparse')],
          tree: EXPANDED,
          warnings: ['DIMGX_ENTRY_SPARSE'],
        },
        {
          name: '1.0, a map before the contents',
          layers: [stored(headed(1030), `${head('1\n1024\n6\n')}sparse`)],
          tree: EXPANDED,
          warnings: ['DIMGX_ENTRY_SPARSE'],
        },
        {
          name: '1.0, a hole at the end',
          layers: [stored(headed(518 + 1024), `${head('2\n0\n512\n1542\n0\n')}${'x'.repeat(512)}`)],
          tree: ['first=', `s=${'x'.repeat(512)}${'\0'.repeat(1030)}`],
          warnings: ['DIMGX_ENTRY_SPARSE'],
        },
        {
          name: 'nothing but a hole',
          layers: [stored(mapped('1024,0', 1024), '')],
          tree: ['first=', `s=${HOLE}`],
          warnings: ['DIMGX_ENTRY_SPARSE'],
        },
      ],
    },
    {
      row: '11.9',
      says: 'A map that is out of order or leaves the file is refused.',
      source: `${GO_TAR}, validateSparseEntries`,
      cases: [
        refused('0.1, out of order', mapped('4096,512,0,512', 9000), 'x'.repeat(1024)),
        refused('0.1, past the end', mapped('1024,6', 1026), 'sparse'),
        refused('1.0, out of order', headed(9000), `${head('2\n4096\n512\n0\n512\n')}${'x'.repeat(1024)}`),
        refused('1.0, past the end', headed(1026), `${head('1\n1024\n6\n')}sparse`),
        refused('1.0, overlapping', headed(9000), `${head('2\n0\n512\n100\n512\n')}${'x'.repeat(1024)}`),
      ],
    },
    {
      row: '11.10',
      says: 'The real size may be absurd: it counts towards the size limit, and is never written out.',
      source: GNU_SPARSE,
      cases: [
        {
          name: '1 PiB',
          layers: [stored(headed(2 ** 50), `${head('1\n0\n6\n')}sparse`)],
          refused: 'DIMGX_LIMIT_SIZE',
          notAsked: 'it would write a pebibyte',
        },
      ],
    },
  ],
};
