import { GNU, longHeader, paxHeader, rawEntry, rawTar } from '../../helpers/raw-tar.js';

const octal = (value: number) => `${value.toString(8).padStart(11, '0')}\0`;
const sparse = (records: Record<string, string>) => paxHeader({ 'GNU.sparse.name': 'sparse', ...records });

const plain = [
  rawEntry({ name: 'd/', type: '5' }),
  rawEntry({ name: 'd/file' }, 'contents'),
  rawEntry({ name: 'link', type: '1', link: 'd/file' }),
  rawEntry({ name: 'dev', type: '3', patch: { 329: '0000001\x000000003\0' } }),
];
const gnuNames = [
  longHeader('L', `d/${'long'.repeat(60)}`),
  rawEntry({ type: '2', link: 'file' }),
  longHeader('K', `d/./${'x/../'.repeat(30)}file`),
  rawEntry({ name: 'link', type: '1' }),
];
const prefixes = [
  rawEntry({ name: 'file', patch: { 345: 'prefix/of/it' } }),
  rawEntry({ name: 'star', patch: { 345: 'prefix', 508: 'tar\0' } }),
  rawEntry({ name: 'go', magic: GNU, patch: { 345: 'rest/of/the/name' } }),
  rawEntry({ name: 'old', magic: '' }, 'x'),
];
const pax = [
  paxHeader({ path: 'd/pax', mtime: '1.5', uid: '1000', size: '3', 'SCHILY.xattr.user.a': 'b' }),
  rawEntry({ name: 'pax' }, 'pax'),
  rawEntry({ type: 'g' }, '9 path=x\n'),
  paxHeader({ linkpath: 'd/pax', 'SCHILY.devmajor': '1', uname: '\xff', atime: '-1.5' }),
  longHeader('L', 'both'),
  rawEntry({ type: '2' }),
];
const sparseHead = [
  sparse({ 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': '9999' }),
  rawEntry({}, `${'1\n1024\n700\n'.padEnd(512, '\0')}${'s'.repeat(700)}`),
];
const sparseRecords = [
  paxHeader([
    ['GNU.sparse.size', '2000'],
    ['GNU.sparse.numblocks', '2'],
    ['GNU.sparse.offset', '0'],
    ['GNU.sparse.numbytes', '512'],
    ['GNU.sparse.offset', '1000'],
    ['GNU.sparse.numbytes', '5'],
  ]),
  rawEntry({ name: 'sparse00' }, 'a'.repeat(517)),
  sparse({ 'GNU.sparse.size': '900', 'GNU.sparse.numblocks': '1', 'GNU.sparse.map': '0,5' }),
  rawEntry({ name: 'sparse01' }, 'abcde'),
];
const gnuSparse = [
  rawEntry(
    { name: 'S', type: 'S', magic: GNU, patch: { 386: octal(1024) + octal(512), 483: octal(4096) } },
    's'.repeat(512),
  ),
];
const full = [0, 512, 1024, 0, 2048, 0, 3072, 0].map(octal).join('');
const sparseExtended = rawEntry(
  { name: 'SS', type: 'S', magic: GNU, size: 512, patch: { 386: full, 482: '\x01', 483: octal(4096) } },
  `${octal(4096)}${octal(0)}`.padEnd(512, '\0') + 's'.repeat(512),
);
const base256 = [
  rawEntry(
    {
      name: 'big',
      magic: GNU,
      patch: { 108: '\x80\0\0\0\xf0\0\0\0', 136: `\xff${'\xff'.repeat(11)}`, 100: '   644 \0' },
    },
    'x',
  ),
  rawEntry({ name: 'contiguous', type: '7' }, 'c'),
  rawEntry({ name: 'folder/', type: '\0' }),
  rawEntry({ name: 'fifo', type: '6', size: 9 }),
];

/** Small archives, so that many can be tried: between them they hold every form that is read. */
export function smallTars(): readonly Buffer[] {
  return [
    rawTar(...plain),
    rawTar(...gnuNames),
    rawTar(...prefixes),
    rawTar(...pax),
    rawTar(...sparseHead),
    rawTar(...sparseRecords),
    rawTar(...gnuSparse),
    rawTar(sparseExtended),
    rawTar(...base256),
    Buffer.concat(plain),
    Buffer.concat([rawTar(...plain), Buffer.from('behind the end')]),
    Buffer.alloc(1024),
    Buffer.alloc(0),
  ];
}

/** One archive of all that. */
export function fullTar(): Buffer {
  const whiteouts = [rawEntry({ name: 'd/.wh.gone' }), rawEntry({ name: 'e/.wh..wh..opq' })];
  const odd = [...pax, ...sparseHead, ...sparseRecords, ...gnuSparse, ...base256];
  return rawTar(...plain, ...gnuNames.slice(0, 2), ...odd, ...whiteouts);
}
