import { GNU, rawEntry } from '../../helpers/raw-tar.js';
import { file, type Section } from '../case.js';
import { GNU_TAR, GO_TAR, POSIX_USTAR } from '../sources.js';

const SUM = Number.parseInt(rawEntry({ name: 'caf\xe9' }).toString('latin1', 148, 154), 8);
const sum = (value: number) => `${value.toString(8).padStart(6, '0')}\0 `;
const named = (checksum: string) => [file('first'), rawEntry({ name: 'caf\xe9', checksum })];
const numbers = (patch: Readonly<Record<number, string>>, contents = '') => [
  file('first'),
  rawEntry({ name: 'a', patch }, contents),
];

export const HEADERS: Section = {
  title: 'Tar: headers',
  rules: [
    {
      row: '11.1',
      says: 'A checksum is the sum of unsigned or of signed bytes; anything else is refused.',
      source: POSIX_USTAR,
      cases: [
        { name: 'unsigned', layers: [named(sum(SUM))], tree: ['caf\xe9=', 'first='] },
        { name: 'signed', source: GO_TAR, layers: [named(sum(SUM - 256))], tree: ['caf\xe9=', 'first='] },
        { name: 'wrong', layers: [named(sum(SUM + 1))], refused: 'DIMGX_TAR_BAD_HEADER' },
        { name: 'empty', layers: [named('\0'.repeat(8))], refused: 'DIMGX_TAR_BAD_HEADER' },
        {
          name: 'wrong at the very start',
          layers: [[rawEntry({ name: 'a', checksum: sum(1) })]],
          refused: 'DIMGX_TAR_NOT_A_TAR',
        },
      ],
    },
    {
      row: '11.2',
      says: 'Numbers are octal with blanks or NULs around them and perhaps no end mark; an empty one is 0; with bit 7 they are base-256. Negative sizes, sizes over 63 bits and what is not octal are refused.',
      source: GO_TAR,
      cases: [
        { name: 'leading blanks', layers: [numbers({ 100: '   600 \0' })], tree: ['a= 0600', 'first='] },
        { name: 'trailing blanks', layers: [numbers({ 100: '600     ' })], tree: ['a= 0600', 'first='] },
        {
          name: 'no end mark',
          layers: [numbers({ 100: '00000600', 124: '000000000003' }, 'abc')],
          tree: ['a=abc 0600', 'first='],
        },
        {
          name: 'empty fields',
          layers: [numbers({ 108: '\0'.repeat(8), 136: ' '.repeat(12) })],
          tree: ['a=', 'first='],
        },
        {
          name: 'base-256',
          layers: [numbers({ 124: `\x80${'\0'.repeat(10)}\x03`, 136: `\x80${'\0'.repeat(9)}\x01\0` }, 'abc')],
          tree: ['a=abc 256.000000000', 'first='],
        },
        { name: 'a negative size', layers: [numbers({ 124: '\xff'.repeat(12) })], refused: 'DIMGX_TAR_BAD_HEADER' },
        {
          name: 'a size over 63 bits',
          layers: [numbers({ 124: `\x80\0\0\0\x80${'\0'.repeat(7)}` })],
          refused: 'DIMGX_TAR_BAD_HEADER',
        },
        { name: 'not octal', layers: [numbers({ 124: '0000000009\0\0' })], refused: 'DIMGX_TAR_BAD_HEADER' },
        {
          name: 'not octal, at the very start',
          layers: [[rawEntry({ name: 'a', patch: { 124: '0000000009\0\0' } })]],
          refused: 'DIMGX_TAR_BAD_HEADER',
        },
      ],
    },
    {
      row: '11.3',
      says: 'With the magic of ustar a prefix stands at 345; with that of GNU times may stand there, and they are no prefix. A name of 100 bytes has no end mark.',
      source: `${POSIX_USTAR}; ${GNU_TAR}`,
      cases: [
        { name: 'a prefix', layers: [[rawEntry({ name: 'b', patch: { 345: 'a' } })]], tree: ['a/', 'a/b='] },
        {
          name: 'times of GNU',
          layers: [[rawEntry({ name: 'b', magic: GNU, patch: { 345: '14000000000\x0014000000001\0' } })]],
          tree: ['b='],
        },
        {
          name: 'no magic, no prefix',
          layers: [[rawEntry({ name: 'b', magic: '', patch: { 345: 'a' } })]],
          tree: ['b='],
        },
        {
          name: 'a GNU header with a prefix, as Go wrote before 1.8',
          source: `${GO_TAR}, Go issue 12594`,
          layers: [[rawEntry({ name: 'b', magic: GNU, patch: { 345: 'd/sub' } })]],
          tree: ['d/', 'd/sub/', 'd/sub/b='],
        },
        { name: 'a name of 100 bytes', layers: [[rawEntry({ name: 'n'.repeat(100) })]], tree: [`${'n'.repeat(100)}=`] },
        {
          name: 'a link target of 100 bytes',
          layers: [[rawEntry({ name: 's', type: '2', link: 't'.repeat(100) })]],
          tree: [`s->${'t'.repeat(100)}`],
        },
      ],
    },
  ],
};
