import { execFileSync } from 'node:child_process';
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sha256 } from '../helpers/built-image.js';
import { whyNotHere } from '../helpers/engines.js';
import { EXTRACTORS, type Extractor, extractTar } from '../helpers/extract-tar.js';
import { flattenLayers, type LayerSpec } from '../helpers/flatten-layers.js';
import { temporaryFolder } from '../helpers/members.js';
import { type RawEntry, rawLayer } from '../helpers/raw-layer.js';
import { rawEntry, rawTar } from '../helpers/raw-tar.js';
import type { Tree } from '../helpers/tree.js';
import { treeDifferences } from '../helpers/tree-differences.js';
import { XATTR_READER } from '../helpers/xattrs.js';

const extractors = Object.keys(EXTRACTORS) as Extractor[];
const missing = whyNotHere('root', 'bsdtar', XATTR_READER);

/** What each extractor makes of the flattened layers; none may have anything to say. */
async function extracted(layers: readonly LayerSpec[]): Promise<Tree[]> {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'flat.tar'), (await flattenLayers(layers)).tar);
  const trees: Tree[] = [];
  for (const extractor of extractors) {
    const { tree, stderr } = await extractTar(extractor, join(folder, 'flat.tar'), folder);
    expect(stderr, extractor).toBe('');
    trees.push(tree);
  }
  return trees;
}

const LONG = Array.from({ length: 20 }, (_, i) => `${i}`.padEnd(180, 'x')).join('/');

const ODD_NAMES: readonly RawEntry[] = [
  ...['a\nb', '\xff\xfe', '-rf', 'b\\n', ' ', '*', '\x1b[31m', 'y'.repeat(100), 'z'.repeat(101), 'w'.repeat(255)].map(
    (name) => ({ name, content: name }),
  ),
  { name: `${LONG}/f`, content: 'deep' },
  { name: 'short', content: '1', pax: [['path', 'p\xff']] },
  { name: 'l1', type: '2', link: '\xfe'.repeat(200) },
  { name: 'l2', type: '2', link: 'x', pax: [['linkpath', 'caf\xc3\xa9']] },
  { name: 'h', type: '1', link: `/${LONG}//f` },
];

describe.skipIf(missing !== '')(`GNU tar and bsdtar, without a word and alike${missing}`, () => {
  test('extract odd and long names', async () => {
    const [one, two] = (await extracted([ODD_NAMES])) as [Tree, Tree];
    expect(treeDifferences(one, two)).toEqual([]);
    expect(one.get(`${LONG}/f`)?.sameFileAs).toBe(`${LONG}/f`);
    expect(one.get('l1')?.target).toBe('\xfe'.repeat(200));
  });

  test('extract xattrs, also of binary values and of what was linked across layers', async () => {
    const capability = '\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0';
    const [one, two] = (await extracted([
      [
        { name: 'ping', content: 'elf', mode: 0o755, pax: [['SCHILY.xattr.security.capability', capability]] },
        { name: 'ping4', type: '1', link: 'ping', mode: 0o755 },
        { name: 'd', type: '5', mode: 0o755, pax: [['SCHILY.xattr.user.a', '1\n=2']] },
      ],
      [{ name: '.wh.ping' }],
    ])) as [Tree, Tree];
    expect(treeDifferences(one, two)).toEqual([]);
    expect(one.get('ping4')?.xattrs).toBe(`security.capability=0x${Buffer.from(capability, 'latin1').toString('hex')}`);
    expect(one.get('d')?.xattrs).toBe('user.a=0x310a3d32');
  });

  test('extract owners below zero as the numbers that the kernel takes them for', async () => {
    const [one, two] = (await extracted([
      [
        { name: 'nobody', uid: -2, gid: -2 },
        {
          name: 'pax',
          pax: [
            ['uid', '-2'],
            ['gid', '+7'],
          ],
        },
        { name: 'none', uid: -1, gid: 4_294_967_295 },
        { name: 'link', type: '1', link: 'nobody', uid: -2, gid: -2 },
      ],
    ])) as [Tree, Tree];
    expect(treeDifferences(one, two)).toEqual([]);
    expect(one.get('nobody')?.owner).toBe('4294967294:4294967294');
    expect(one.get('pax')?.owner).toBe('4294967294:7');
    expect(one.get('none')?.owner).toBe('0:0');
    expect(one.get('link')?.sameFileAs).toBe('link');
  });

  test('extract what has xattrs of other systems, without these', async () => {
    const names = ['com.apple.provenance', 'system.nfs4_acl', 'btrfs.x', 'lustre.lov', 'ceph.x', 'afs', 'user.'];
    const pax = [...names, 'user.a', 'security.a', 'trusted.a'].map((name) => [`SCHILY.xattr.${name}`, 'v'] as const);
    const layer: readonly RawEntry[] = [
      { name: 'f', pax },
      { name: 'd', type: '5', pax },
      { name: 's', type: '2', link: 'f', pax },
      { name: 'h', type: '1', link: 'f', pax },
    ];
    const [one, two] = (await extracted([layer])) as [Tree, Tree];
    expect(treeDifferences(one, two)).toEqual([]);
    expect(one.get('f')?.xattrs).toBe('security.a=0x76 trusted.a=0x76 user.a=0x76');
    expect(one.get('d')?.xattrs).toBe('security.a=0x76 trusted.a=0x76 user.a=0x76');
    expect(one.get('s')?.xattrs).toBe('security.a=0x76 trusted.a=0x76');
    expect((await flattenLayers([layer])).warnings).toMatchObject([{ code: 'DIMGX_ENTRY_PAX_RECORD', count: 4 }]);
  });

  test('GNU tar sets the xattrs that engines set, whose names it would take for others, with a warning', async () => {
    const pax = ['user.a%3Db', 'user.a%25b', 'user.100%', 'user.%3d'].map(
      (name) => [`SCHILY.xattr.${name}`, 'v'] as const,
    );
    const layer: readonly RawEntry[] = [
      { name: 'f', pax },
      { name: 'h', type: '1', link: 'f', pax: [['SCHILY.xattr.user.%253D', 'w']] },
    ];
    const folder = await temporaryFolder();
    const { tar, codes } = await flattenLayers([layer]);
    await writeFile(join(folder, 'flat.tar'), tar);
    const { tree, stderr } = await extractTar('GNU tar', join(folder, 'flat.tar'), folder);
    expect(stderr).toBe('');
    expect(tree.get('f')?.xattrs).toBe('user.%253D=0x77 user.%3d=0x76 user.100%=0x76 user.a%25b=0x76 user.a%3Db=0x76');
    expect(codes).toContain('DIMGX_ENTRY_XATTR_NAME');
  });

  test('extract names that look like paths of Windows', async () => {
    const names = [
      'C:',
      'c:foo',
      'D:/x',
      '\\foo',
      '\\\\?\\x',
      '\\\\.\\C:',
      '\\..\\x',
      'z:..',
      '\\',
      'a\\b',
      '-rf',
      '@x',
      '~',
    ];
    const files = names.map((name): RawEntry => ({ name, content: name }));
    const links: readonly RawEntry[] = [
      { name: 'link', type: '1', link: 'c:foo' },
      { name: './dotted', type: '1', link: '\\foo' },
      { name: 'far', type: '2', link: 'C:\\Users' },
    ];
    for (const layers of [[[...files, ...links]], [files, links], [[...files, ...links], [{ name: '.wh.c:foo' }]]]) {
      const [one, two] = (await extracted(layers)) as [Tree, Tree];
      expect(treeDifferences(one, two)).toEqual([]);
      const isLeft = (name: string) => layers.length === 1 || layers[1] === links || name !== 'c:foo';
      for (const name of names.filter(isLeft)) {
        expect(one.get(name), name).toMatchObject({ sha256: sha256(Buffer.from(name)) });
      }
      expect(one.get('link')?.sha256).toBe(sha256(Buffer.from('c:foo')));
      expect(one.get('far')?.target).toBe('C:\\Users');
    }
  });

  test.each([
    ['old GNU', '--format=gnu'],
    ['PAX 0.0', '--format=posix', '--sparse-version=0.0'],
    ['PAX 0.1', '--format=posix', '--sparse-version=0.1'],
    ['PAX 1.0', '--format=posix', '--sparse-version=1.0'],
  ])('extract sparse files of the form %s, as they are and under the name of a hard link', async (_, ...options) => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'in'));
    const file = await open(join(folder, 'in', 'sparse'), 'w');
    for (let i = 0; i < 40; i++) await file.write(`data ${i}`, i * 1_000_000);
    await file.truncate(50_000_000);
    await file.close();
    execFileSync('ln', ['sparse', 'other'], { cwd: join(folder, 'in') });
    execFileSync('tar', ['-c', '--sparse', ...options, '-f', '../layer.tar', 'sparse', 'other'], {
      cwd: join(folder, 'in'),
    });
    const layer = await readFile(join(folder, 'layer.tar'));
    expect(layer.length).toBeLessThan(1_000_000);
    const wanted = sha256(await readFile(join(folder, 'in', 'sparse')));
    for (const [layers, name] of [
      [[layer], 'sparse'],
      [[layer, [{ name: '.wh.sparse' }]], 'other'],
    ] as const) {
      for (const tree of await extracted(layers)) {
        expect(tree.get(name)).toMatchObject({ size: '50000000', sha256: wanted });
      }
    }
  });

  test('do not see entries that stand in the contents of a file whose size begins with a NUL', async () => {
    const hidden = rawEntry({ name: 'hidden', type: '2', link: '/etc' });
    const contents = Buffer.concat([hidden, Buffer.alloc(512 - (hidden.length % 512 || 512))]);
    const field = `${'\0'.repeat(7)}${contents.length.toString(8)}\0`;
    const layer = rawTar(rawEntry({ name: 'a', patch: { 124: field } }, contents), rawEntry({ name: 'b' }, 'b'));
    for (const tree of await extracted([layer])) {
      expect([...tree.keys()].sort()).toEqual(['.', 'a', 'b']);
      expect(tree.get('a')).toMatchObject({ size: String(contents.length), sha256: sha256(contents) });
    }
  });

  const stretches: readonly (readonly [at: number, text: string])[] = [
    [2, 'abc'],
    [10, 'de'],
    [1000, 'x'.repeat(600)],
    [4096, 'y'.repeat(512)],
    [9000, 'z'],
  ];
  const expanded = Buffer.alloc(20_000);
  for (const [at, text] of stretches) expanded.write(text, at, 'latin1');
  const content = stretches.map(([, text]) => text).join('');
  const pairs = stretches.map(([at, { length }]) => [String(at), String(length)] as const);
  const count = ['GNU.sparse.numblocks', '5'] as const;
  const size = ['GNU.sparse.size', '20000'] as const;
  test.each<[string, RawEntry]>([
    [
      'PAX 0.0',
      {
        name: 'f',
        content,
        pax: [
          size,
          count,
          ...pairs.flatMap(([at, n]) => [['GNU.sparse.offset', at] as const, ['GNU.sparse.numbytes', n] as const]),
        ],
      },
    ],
    ['PAX 0.1', { name: 'f', content, pax: [size, count, ['GNU.sparse.map', pairs.flat().join(',')]] }],
    [
      'PAX 0.1 beside a header of GNU tar',
      { name: 'f', content, magic: 'gnu', pax: [size, count, ['GNU.sparse.map', pairs.flat().join(',')]] },
    ],
    [
      'PAX 0.1 beside a header of the oldest form',
      { name: 'f', content, magic: 'v7', pax: [size, count, ['GNU.sparse.map', pairs.flat().join(',')]] },
    ],
    [
      'PAX 1.0',
      {
        name: 'GNUSparseFile.1/f',
        content: `5\n${pairs.flat().join('\n')}\n`.padEnd(512, '\0') + content,
        pax: [
          ['GNU.sparse.major', '1'],
          ['GNU.sparse.minor', '0'],
          ['GNU.sparse.realsize', '20000'],
          ['GNU.sparse.name', 'f'],
        ],
      },
    ],
  ])('take a sparse file of the form %s as Go does, whose stretches begin anywhere', async (_, file) => {
    const link: RawEntry = { name: 'link', type: '1', link: 'f' };
    for (const [layers, name] of [
      [[[file, { name: 'g', content: 'after' }]], 'f'],
      [[[file, link, { name: 'g', content: 'after' }], [{ name: '.wh.f' }]], 'link'],
      [[rawLayer([{ name: 'g', content: 'after' }, file], { zeroBlocks: 0, padded: false })], 'f'],
    ] as const) {
      for (const tree of await extracted(layers)) {
        expect(tree.get(name)).toMatchObject({ size: '20000', sha256: sha256(expanded) });
        expect(tree.get('g')).toMatchObject({ sha256: sha256(Buffer.from('after')) });
      }
    }
  });
});
