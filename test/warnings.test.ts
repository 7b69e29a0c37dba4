import { mkdir, readdir } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { WARNINGS, type WarningCode } from '#dimgx/errors.js';
import { flatten } from '#dimgx/flatten.js';
import { dockerArchive, dockerV1Archive } from './helpers/docker-archive.js';
import { temporaryFolder, writeArchive } from './helpers/members.js';
import { type RawEntry, rawLayer } from './helpers/raw-layer.js';
import { GNU, rawEntry } from './helpers/raw-tar.js';
import { callDimgx } from './helpers/shared-dimgx.js';

type Layers = readonly (readonly (RawEntry | Uint8Array)[])[];

const octal = (value: number) => `${value.toString(8).padStart(11, '0')}\0`;
const oldSparse = (name: string) =>
  rawEntry({ name, type: 'S', magic: GNU, patch: { 386: octal(0) + octal(0), 483: octal(4096) } });
const paxSparse = (name: string): RawEntry => ({
  name,
  content: '5',
  pax: [
    ['GNU.sparse.size', '9'],
    ['GNU.sparse.numblocks', '1'],
    ['GNU.sparse.map', '4,1'],
  ],
});
const globalHeader = (records: string) => rawEntry({ name: 'g', type: 'g' }, records);

interface Oddity {
  readonly name: string;
  readonly code: WarningCode;
  readonly layers: Layers;
  /** How often it occurs. */
  readonly count: number;
  readonly end?: Uint8Array;
  readonly args?: readonly string[];
}

/** What is odd about an image and can be survived, a case for each kind. */
const ODDITIES: readonly Oddity[] = [
  {
    name: 'duplicates',
    code: 'DIMGX_ENTRY_DUPLICATE',
    layers: [
      [{ name: 'a' }, { name: 'a' }, { name: './a' }],
      [{ name: 'b' }, { name: 'b' }],
    ],
    count: 3,
  },
  {
    name: 'bare whiteouts',
    code: 'DIMGX_ENTRY_BAD_WHITEOUT',
    layers: [[{ name: '.wh.' }, { name: 'd/.wh..' }], [{ name: 'd/.wh...' }]],
    count: 3,
  },
  {
    name: 'devices 0:0',
    code: 'DIMGX_ENTRY_DEVICE_WHITEOUT',
    layers: [[{ name: 'a' }, { name: 'b' }], ['a', 'b'].map((name) => ({ name, type: '3' }))],
    count: 2,
  },
  {
    name: 'leftovers of AUFS',
    code: 'DIMGX_ENTRY_AUFS',
    layers: [[{ name: '.wh..wh.aufs' }, { name: '.wh..wh.plnk/', type: '5' }, { name: '.wh..wh.orph/', type: '5' }]],
    count: 3,
  },
  {
    name: 'entries below symlinks of an older layer',
    code: 'DIMGX_ENTRY_SYMLINK_REPLACED',
    layers: [
      ['s', 't'].map((name) => ({ name, type: '2', link: 'd' })),
      [{ name: 's/a' }, { name: 't/a' }, { name: 't/b' }],
    ],
    count: 2,
  },
  {
    name: 'entries below files of an older layer',
    code: 'DIMGX_ENTRY_FILE_REPLACED',
    layers: [[{ name: 'f' }], [{ name: 'f/a' }]],
    count: 1,
  },
  {
    name: 'hard links to an older layer',
    code: 'DIMGX_ENTRY_LINK_ACROSS_LAYERS',
    layers: [[{ name: 'a' }], ['b', 'c'].map((name) => ({ name, type: '1', link: 'a' }))],
    count: 2,
  },
  {
    name: 'hard links to a layer that is not selected',
    code: 'DIMGX_ENTRY_LINK_NOT_SELECTED',
    layers: [[{ name: 'a' }], ['b', 'c'].map((name) => ({ name, type: '1', link: 'a' }))],
    count: 2,
    args: ['-l', '@2'],
  },
  {
    name: 'old GNU sparse entries',
    code: 'DIMGX_ENTRY_SPARSE',
    layers: [[oldSparse('a'), oldSparse('b')]],
    count: 2,
  },
  { name: 'PAX sparse entries', code: 'DIMGX_ENTRY_SPARSE', layers: [[paxSparse('a')], [paxSparse('b')]], count: 2 },
  {
    name: 'contiguous files',
    code: 'DIMGX_ENTRY_CONTIGUOUS',
    layers: [['a', 'b'].map((name) => ({ name, type: '7' }))],
    count: 2,
  },
  {
    name: 'PAX keys that only some extractors know',
    code: 'DIMGX_ENTRY_PAX_RECORD',
    layers: [['SCHILY.acl.access', 'LIBARCHIVE.creationtime', 'x'].map((key) => ({ name: key, pax: [[key, '1']] }))],
    count: 3,
  },
  {
    name: 'global PAX headers',
    code: 'DIMGX_ENTRY_PAX_RECORD',
    layers: [[globalHeader('20 comment=harmless\n'), globalHeader('11 mtime=1\n'), { name: 'a' }]],
    count: 1,
  },
  {
    name: 'PAX headers of no entry',
    code: 'DIMGX_ENTRY_PAX_RECORD',
    layers: [[{ name: 'a' }, rawEntry({ name: 'x', type: 'x' }, '9 path=b\n')]],
    count: 1,
  },
  {
    name: 'xattrs whose names GNU tar would unescape',
    code: 'DIMGX_ENTRY_XATTR_NAME',
    layers: [[{ name: 'a', pax: [['SCHILY.xattr.user.a%3Db', 'v']] }]],
    count: 1,
  },
  {
    name: 'data behind the end of layers',
    code: 'DIMGX_LAYER_TRAILING_DATA',
    layers: [[{ name: 'a' }], [{ name: 'b' }]],
    end: Buffer.from('data'),
    count: 2,
  },
];

async function archiveOf({ layers, end = Buffer.alloc(0) }: Oddity): Promise<string> {
  return writeArchive(dockerArchive([{ layers: layers.map((entries) => Buffer.concat([rawLayer(entries), end])) }]));
}

describe.each(ODDITIES)('$name', (oddity) => {
  const { code, count, args = [] } = oddity;

  test('are one line with their count, and the image is flattened', async () => {
    const folder = await temporaryFolder();
    const target = `${folder}/out.tar`;
    const { stderr, code: exit } = await callDimgx('-t', target, ...args, await archiveOf(oddity));
    expect(stderr).toMatch(
      new RegExp(`^dimgx: warning: ${code}: layer [^\\n]*${count > 1 ? `\\(${count} in all\\)` : ''}\\n$`),
    );
    expect(stderr.includes('in all')).toBe(count > 1);
    expect({ exit, left: await readdir(folder) }).toEqual({ exit: 0, left: ['out.tar'] });
  });

  test('are told to the library, a warning a layer', async () => {
    const stream = new PassThrough();
    const bytes = buffer(stream);
    const options = args.length > 0 ? { layers: [args[1] as string] } : {};
    const { warnings } = await flatten(await archiveOf(oddity), stream, options);
    expect((await bytes).length).toBeGreaterThan(0);
    expect(new Set(warnings.map((warning) => warning.code))).toEqual(new Set([code]));
    expect(warnings.reduce((sum, warning) => sum + warning.count, 0)).toBe(count);
  });

  test('are an error with --strict-input, and nothing is left', async () => {
    const folder = await temporaryFolder();
    const [targets, tmp] = [`${folder}/targets`, `${folder}/tmp`];
    await Promise.all([mkdir(targets), mkdir(tmp)]);
    const strict = ['--strict-input', '--tmp-dir', tmp, '-t', `${targets}/out.tar`];
    const { stderr, code: exit } = await callDimgx(...strict, ...args, await archiveOf(oddity));
    expect(stderr).toMatch(new RegExp(`^dimgx: ${code}: layer [^\\n]*\\n$`));
    expect({ exit, left: [await readdir(targets), await readdir(tmp)] }).toEqual({ exit: 2, left: [[], []] });
  });
});

describe.each([
  ['a config', 'DIMGX_IMAGE_ODD_CONFIG', { config: { created: 1, history: [2], os: ['linux'] } }, {}],
  ['a manifest', 'DIMGX_IMAGE_ODD_MANIFEST', {}, { RepoTags: 'x:1', LayerSources: [] }],
])('the oddities of %s', (_, kind, image, item) => {
  const archive = async () => {
    const members = dockerArchive([{ tags: ['x:1'], layers: [rawLayer([{ name: 'a' }])], ...image }]);
    const [usual] = JSON.parse(String(members['manifest.json']));
    return writeArchive({ ...members, 'manifest.json': JSON.stringify([{ ...usual, ...item }]) });
  };

  test('are one line', async () => {
    const { stderr, code } = await callDimgx('-t', '/dev/null', await archive());
    expect(stderr).toMatch(new RegExp(`^dimgx: warning: ${kind}: [^\\n]*\\n$`));
    expect(code).toBe(0);
  });

  test('are an error with --strict-input', async () => {
    const { stderr, code } = await callDimgx('--strict-input', '-t', '/dev/null', await archive());
    expect(stderr).toMatch(new RegExp(`^dimgx: ${kind}: [^\\n]*\\n$`));
    expect(code).toBe(2);
  });
});

describe('a source without digests', () => {
  const archive = () => {
    const layer = rawLayer([{ name: 'a' }]);
    return writeArchive(dockerV1Archive([{ id: 'a'.repeat(64), layer, tags: ['x:1'] }]));
  };

  test('is one line', async () => {
    const { stderr, code } = await callDimgx('-t', '/dev/null', await archive());
    expect(stderr).toMatch(/^dimgx: warning: DIMGX_SOURCE_UNVERIFIED: [^\n]*\n$/);
    expect(code).toBe(0);
  });

  test('is an error with --strict-input', async () => {
    const { stderr, code } = await callDimgx('--strict-input', '-t', '/dev/null', await archive());
    expect(stderr).toMatch(/^dimgx: DIMGX_SOURCE_UNVERIFIED: [^\n]*\n$/);
    expect(code).toBe(2);
  });
});

/** What only the storage of an engine has: with cases in test/source/disk. */
const OF_STORAGE: readonly WarningCode[] = [
  'DIMGX_CONTAINER_NO_MARKS',
  'DIMGX_CONTAINER_OWNER',
  'DIMGX_ENTRY_LEFT_OUT',
  'DIMGX_STORE_LIST_DAMAGED',
  'DIMGX_STORE_NAMES_LOST',
];

/** What only a bag has: with a case in test/evidence/bag. */
const OF_BAGS: readonly WarningCode[] = ['DIMGX_BAG_WEAK'];

test('every warning about the image has its case here', () => {
  const about = (Object.keys(WARNINGS) as WarningCode[]).filter((code) => WARNINGS[code].about === 'image');
  const others = ['DIMGX_SOURCE_UNVERIFIED', 'DIMGX_IMAGE_ODD_CONFIG', 'DIMGX_IMAGE_ODD_MANIFEST'];
  const here = new Set([...ODDITIES.map(({ code }) => code), ...others, ...OF_STORAGE, ...OF_BAGS]);
  expect(new Set(about)).toEqual(here);
});

test('warnings that precede an error are not lost', async () => {
  const layers = [[{ name: 'a' }, { name: 'a' }], [{ name: 'b', type: '1', link: 'nowhere' }]].map((entries) =>
    rawLayer(entries),
  );
  const { stderr, code } = await callDimgx('-t', '/dev/null', await writeArchive(dockerArchive([{ layers }])));
  expect(stderr).toMatch(/^dimgx: warning: DIMGX_ENTRY_DUPLICATE: [^\n]*\ndimgx: DIMGX_ENTRY_BAD_LINK: [^\n]*\n$/);
  expect(code).toBe(2);
});
