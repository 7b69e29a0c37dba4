import { rawLayer } from '../../helpers/raw-layer.js';
import { paxHeader, rawEntry } from '../../helpers/raw-tar.js';
import { file, type Section } from '../case.js';
import { GO_TAR, POSIX_USTAR } from '../sources.js';

const a = file('a', '1');
const b = file('b', '2');
const A_AND_B = ['a=1', 'b=2'];

export const ENDS: Section = {
  title: 'Tar: ends',
  rules: [
    {
      row: '11.11',
      says: 'Two zero blocks end a tar; one, none, or a last file without padding do as well.',
      source: POSIX_USTAR,
      cases: [
        { name: 'two', layers: [rawLayer([a, b])], tree: A_AND_B },
        { name: 'one', source: GO_TAR, layers: [rawLayer([a, b], { zeroBlocks: 1 })], tree: A_AND_B },
        { name: 'none', source: GO_TAR, layers: [rawLayer([a, b], { zeroBlocks: 0 })], tree: A_AND_B },
        {
          name: 'none, and no padding',
          source: GO_TAR,
          layers: [rawLayer([a, b], { zeroBlocks: 0, padded: false })],
          tree: A_AND_B,
        },
        { name: 'a record of 20 blocks', layers: [rawLayer([a, b], { zeroBlocks: 16 })], tree: A_AND_B },
      ],
    },
    {
      row: '11.12',
      says: 'What stands behind the end is no entry, but counts for the diff ID.',
      source: GO_TAR,
      cases: [
        {
          name: 'an entry behind the end',
          layers: [rawLayer([a, Buffer.alloc(1024), b])],
          tree: ['a=1'],
          warnings: ['DIMGX_LAYER_TRAILING_DATA'],
        },
      ],
    },
    {
      row: '11.13',
      says: 'One zero block and then more entries is refused.',
      source: GO_TAR,
      cases: [
        { name: 'between two files', layers: [rawLayer([a, Buffer.alloc(512), b])], refused: 'DIMGX_TAR_BAD_HEADER' },
      ],
    },
    {
      row: '11.14',
      says: 'Layers of nothing, or of nothing but zeros, are empty.',
      source: GO_TAR,
      cases: [0, 1024, 10_240].map((length) => ({
        name: `${length} bytes`,
        layers: [[a], Buffer.alloc(length), [b]],
        tree: A_AND_B,
      })),
    },
    {
      row: '11.15',
      says: 'A truncated header, PAX header or file is refused, though the diff ID be right.',
      source: GO_TAR,
      cases: [
        {
          name: 'in a header',
          layers: [Buffer.concat([rawEntry({ name: 'a' }), rawEntry({ name: 'b' }).subarray(0, 300)])],
          refused: 'DIMGX_TAR_TRUNCATED',
        },
        {
          name: 'in a PAX header',
          layers: [
            Buffer.concat([rawEntry({ name: 'a' }), paxHeader({ path: 'p'.repeat(600), uid: '1' }).subarray(0, 800)]),
          ],
          refused: 'DIMGX_TAR_TRUNCATED',
        },
        {
          name: 'in contents',
          layers: [rawEntry({ name: 'a' }, 'x'.repeat(2000)).subarray(0, 1500)],
          refused: 'DIMGX_TAR_TRUNCATED',
        },
        {
          name: 'a size that is not there',
          layers: [rawLayer([a, file('b', 'x', { size: 8 ** 11 - 1 })])],
          refused: 'DIMGX_TAR_TRUNCATED',
        },
      ],
    },
  ],
};
