import type { RawEntry } from './raw-layer.js';

type Layer = readonly RawEntry[];

const DAY = 86_400;
const HOLE = 40_000;

/** A directory with each name as a name of files and directories, as a target, and of hard links. */
const named = (folder: string, names: readonly string[], contents: string): Layer => [
  { name: `${folder}/`, type: '5', mode: 0o755, mtime: DAY },
  ...names.flatMap((name, i): RawEntry[] => [
    { name: `${folder}/${name}`, content: `${contents} ${i}`, mtime: 1_700_000_000 + i },
    { name: `${folder}/in/${name}/`, type: '5', mode: 0o750, mtime: 2 * DAY },
    { name: `${folder}/in/${name}/${name}`, content: contents, mtime: 3 * DAY },
    { name: `${folder}/to/${i}`, type: '2', link: name, mtime: 4 * DAY },
    { name: `${folder}/same/${i}`, type: '1', link: `${folder}/${name}`, mtime: 1_700_000_000 + i },
  ]),
];

/** Whole seconds and fractions, as a PAX record has them. */
const TIMES = ['0', '-1.5', '-0.000000001', '-86400', '0.5', '1', '2147483648', '4102444800.123456789'];

const timed: Layer = [
  ...TIMES.map((time): RawEntry => ({ name: `times/${time}`, pax: [['mtime', time]] })),
  { name: 'times/more', mtime: 5, pax: Object.entries({ atime: '7.5', ctime: '-3', 'LIBARCHIVE.creationtime': '9' }) },
  { name: 'times/gnu', magic: 'gnu', mtime: 0, prefix: '00000000012\x0000000000013\0' },
];

/** Data between two holes. GNU tar takes the end of the last stretch for the end of the file. */
const OLD_MAP = {
  map: [
    [HOLE, 4],
    [2 * HOLE, 0],
  ],
  size: 2 * HOLE,
} as const;

/** Files with a hole of `HOLE` bytes, in each form that tars have for them. */
const sparse: Layer = [
  { name: 'sparse/old', type: 'S', magic: 'gnu', content: 'data', sparse: OLD_MAP },
  {
    name: 'sparse/GNUSparseFile.1/new',
    pax: Object.entries({
      ...{ 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.name': 'sparse/new' },
      'GNU.sparse.realsize': `${HOLE + 4}`,
    }),
    content: `${`1\n${HOLE}\n4\n`.padEnd(512, '\0')}data`,
  },
  {
    name: 'sparse/GNUSparseFile.1/map',
    pax: Object.entries({
      ...{ 'GNU.sparse.size': `${HOLE}`, 'GNU.sparse.numblocks': '1', 'GNU.sparse.name': 'sparse/map' },
      'GNU.sparse.map': '0,4',
    }),
    content: 'data',
  },
  { name: 'sparse/same', type: '1', link: 'sparse/new' },
];

const linked: Layer = [
  { name: 'links/a', type: '2', link: 'b' },
  { name: 'links/b', type: '2', link: '../links/c' },
  { name: 'links/c', type: '2', link: '/links/d' },
  { name: 'links/d', content: 'the end', mode: 0o600, pax: [['SCHILY.xattr.user.note', 'a\0b']] },
  { name: 'links/e', type: '1', link: 'links/d', mode: 0o600 },
  { name: 'links/f', type: '1', link: 'links/e', mode: 0o600 },
  { name: 'links/loop', type: '2', link: 'loop' },
  { name: 'links/link', type: '1', link: 'links/a', mode: 0o777 },
  { name: 'links/changed', content: 'changed', mode: 0o644, mtime: DAY },
  // what a later name says counts for the file, so for its first name, too
  { name: 'links/later', type: '1', link: 'links/changed', mode: 0o4750, uid: 12, gid: 34, mtime: 2 * DAY },
];

/** `cap_net_raw+ep`, as the kernel stores it. */
const CAPABILITY = Buffer.from('0100000200200000000000000000000000000000', 'hex').toString('latin1');

const special: Layer = [
  { name: 'special/null', type: '3', device: [1, 3], mode: 0o666, mtime: DAY },
  { name: 'special/zero', type: '1', link: 'special/null', mode: 0o666, mtime: DAY },
  { name: 'special/disk', type: '4', device: [259, 70_000], mode: 0o660, uid: 1234, gid: 4_000_000_000, mtime: DAY },
  { name: 'special/fifo', type: '6', mode: 0o600, mtime: DAY },
  { name: 'special/cap', mode: 0o755, pax: [['SCHILY.xattr.security.capability', CAPABILITY]] },
  { name: 'special/owner', uid: 4_294_967_294, gid: 100_000 },
  ...[0o400, 0o4755, 0o2755, 0o1777, 0o7777].map((mode): RawEntry => ({ name: `special/${mode.toString(8)}`, mode })),
  { name: 'special/directory/', type: '5', mode: 0o3777, pax: [['SCHILY.xattr.user.a', 'b']] },
];

/** Directories without an entry, in front of a file. */
const deep = `${Array.from({ length: 14 }, () => '\xe8'.repeat(255)).join('/')}/deep`;

/** What newer layers hide, in each way. */
const HIDDEN = ['removed', 'opaque', 'parent', 'replaced'] as const;

/** Layers that hide odd names of one another in every way, with odd metadata. */
export function oddLayers(names: readonly string[]): readonly Layer[] {
  const all = [...named('present', names, 'present'), ...timed, ...sparse, ...linked, ...special];
  const below = (folder: string, layer: Layer) =>
    layer.map(
      ({ name, type, link, pax, ...rest }): RawEntry => ({
        ...rest,
        name: `${folder}/${name}`,
        ...(type && { type }),
        ...(link && { link: type === '1' ? `${folder}/${link}` : link }),
        ...(pax && { pax: pax.map(([key, value]) => [key, key === 'GNU.sparse.name' ? `${folder}/${value}` : value]) }),
      }),
    );
  return [
    [
      { name: './', type: '5', mode: 0o751, mtime: DAY },
      ...all,
      { name: deep, content: 'deep' },
      ...HIDDEN.flatMap((how) => below(how, all)),
      ...names.map((name, i): RawEntry => ({ name: `first/${name}`, content: `first ${i}`, mode: 0o640, mtime: 5 })),
    ],
    [
      { name: 'present/', type: '5', mode: 0o700, mtime: 8 * DAY },
      ...names.map((name, i): RawEntry => ({ name: `second/${i}`, type: '1', link: `first/${name}`, mode: 0o640 })),
      ...names.flatMap((name, i): RawEntry[] => [
        { name: `twice/${name}`, content: `once ${i}` },
        { name: `twice/${name}`, content: `once more ${i}` },
        { name: `twice/${name}`, type: '2', link: `twice ${i}` },
        { name: `twice/${name}`, content: `thrice ${i}` },
      ]),
      ...below('again', all),
    ],
    [
      { name: '.wh.removed' },
      { name: 'opaque/.wh..wh..opq' },
      { name: 'opaque/new', content: 'new' },
      { name: 'parent', content: 'no directory' },
      ...below('replaced', [...named('present', names, 'replaced'), ...timed]),
      ...names.map((name): RawEntry => ({ name: `first/.wh.${name}`.slice(0, 10 + 255) })),
      { name: 'again/special/.wh.null' },
      { name: 'again/links/.wh.d' },
      { name: 'again/sparse/.wh.new' },
    ],
  ];
}
