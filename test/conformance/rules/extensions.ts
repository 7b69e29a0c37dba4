import { longHeader, paxHeader, rawEntry } from '../../helpers/raw-tar.js';
import { file, type Section } from '../case.js';
import { GNU_TAR, GO_TAR, POSIX_PAX } from '../sources.js';

const LONG = 'l'.repeat(150);
const a = rawEntry({ name: 'a' }, '1');
const raw = (records: string) => [file('first'), rawEntry({ name: 'x', type: 'x' }, records), a];

export const EXTENSIONS: Section = {
  title: 'Tar: extension headers',
  rules: [
    {
      row: '11.4',
      says: 'GNU `L` and `K` are of the next entry and win over its header.',
      source: GNU_TAR,
      cases: [
        {
          name: 'L over the header, and not over the entry after it',
          layers: [[longHeader('L', LONG), rawEntry({ name: 'short' }, '1'), file('b', '2')]],
          tree: ['b=2', `${LONG}=1`],
        },
        {
          name: 'K over the header',
          layers: [[longHeader('K', LONG), rawEntry({ name: 's', type: '2', link: 'short' })]],
          tree: [`s->${LONG}`],
        },
        {
          name: 'K of a hard link',
          layers: [[file(LONG, '1'), longHeader('K', LONG), rawEntry({ name: 'z', type: '1' })]],
          tree: [`${LONG}=1`, `z==${LONG}`],
        },
        {
          name: 'an L without an entry',
          source: GO_TAR,
          layers: [[a, longHeader('L', LONG)]],
          tree: ['a=1'],
        },
      ],
    },
    {
      row: '11.5',
      says: 'PAX path, linkpath, size, uid, gid and mtime win over the header of the next entry. An empty value leaves the header as it is; of one key twice the last counts; unknown keys count for nothing.',
      source: POSIX_PAX,
      cases: [
        {
          name: 'all six',
          layers: [
            [
              paxHeader({ path: 'f', size: '3', uid: '7', gid: '8', mtime: '1.5' }),
              rawEntry({ name: 'x', size: 0 }, 'abc'),
              paxHeader({ linkpath: 't' }),
              rawEntry({ name: 's', type: '2', link: 'x' }),
            ],
          ],
          tree: ['f=abc 7:8 1.500000000', 's->t'],
        },
        {
          name: 'not of the entry after it',
          layers: [[paxHeader({ uid: '7' }), a, file('b')]],
          tree: ['a=1 7:0', 'b='],
        },
        {
          name: 'empty values',
          source: GO_TAR,
          layers: [[paxHeader({ path: '', uid: '', mtime: '' }), a]],
          tree: ['a=1'],
        },
        {
          name: 'one key twice',
          source: GO_TAR,
          layers: [
            [
              paxHeader([
                ['path', 'b'],
                ['path', 'c'],
              ]),
              a,
            ],
          ],
          tree: ['c=1'],
        },
        {
          name: 'unknown keys',
          layers: [[paxHeader({ 'VENDOR.key': 'x' }), a]],
          tree: ['a=1'],
          warnings: ['DIMGX_ENTRY_PAX_RECORD'],
        },
        {
          name: 'an x without an entry',
          source: GO_TAR,
          layers: [[a, paxHeader({ path: 'b' })]],
          tree: ['a=1'],
          warnings: ['DIMGX_ENTRY_PAX_RECORD'],
        },
      ],
    },
    {
      row: '11.6',
      says: 'Malformed records, and a NUL in a path, are refused; so is a header over 1 MiB.',
      source: `${GO_TAR}, parsePAXRecord, validPAXRecord, maxSpecialFileSize`,
      cases: [
        { name: 'a length too large', layers: [raw('99 path=b\n')], refused: 'DIMGX_TAR_BAD_PAX' },
        { name: 'a length too small', layers: [raw('7 path=b\n')], refused: 'DIMGX_TAR_BAD_PAX' },
        { name: 'no length', layers: [raw('path=b\n')], refused: 'DIMGX_TAR_BAD_PAX' },
        { name: 'no newline', layers: [raw('10 path=bb')], refused: 'DIMGX_TAR_BAD_PAX' },
        { name: 'no =', layers: [raw('11 path bb\n')], refused: 'DIMGX_TAR_BAD_PAX' },
        { name: 'NUL in a path', layers: [raw('12 path=b\0c\n')], refused: 'DIMGX_TAR_BAD_PAX' },
        {
          name: 'over 1 MiB',
          layers: [raw(`1048600 comment=${'x'.repeat(1_048_583)}\n`)],
          refused: 'DIMGX_TAR_BAD_PAX',
        },
      ],
    },
    {
      row: '11.7',
      says: 'PAX `g` is parsed and counts for nothing; it makes no file.',
      engines: 'Docker and containerd leave it out, with a time or an owner in it too; umoci fails.',
      choice: 'leaves it out.',
      source: GO_TAR,
      cases: [
        {
          name: 'a time and an owner',
          layers: [[rawEntry({ name: 'g', type: 'g' }, '12 mtime=99\n'), a]],
          tree: ['a=1'],
          warnings: ['DIMGX_ENTRY_PAX_RECORD'],
        },
        {
          name: 'as git archive writes it',
          layers: [[rawEntry({ name: 'pax_global_header', type: 'g' }, `52 comment=${'0123456789'.repeat(4)}\n`), a]],
          tree: ['a=1'],
        },
        {
          name: 'malformed',
          layers: [[file('first'), rawEntry({ name: 'g', type: 'g' }, 'junk'), a]],
          refused: 'DIMGX_TAR_BAD_PAX',
        },
      ],
    },
  ],
};
