import { createHash } from 'node:crypto';
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { HashedEntries } from '#dimgx/extract/watch/hashed-entries.js';
import { TreeDigest } from '#dimgx/extract/watch/tree-digest.js';
import { PassingTar } from '#dimgx/tar/passing-tar.js';
import { Page } from '../../docs/markdown.js';
import { inPieces } from '../../helpers/convert.js';
import { whyNotHere } from '../../helpers/engines.js';
import { EXTRACTORS } from '../../helpers/extract-tar.js';
import { flattenLayers } from '../../helpers/flatten-layers.js';
import { temporaryFolder } from '../../helpers/members.js';
import { type RawEntry, rawLayer } from '../../helpers/raw-layer.js';
import { treeOfTar } from '../../helpers/read-tar.js';
import { runCommand } from '../../helpers/run-command.js';
import { listTree } from '../../helpers/tree.js';
import { treeDigest, treeText } from '../../helpers/tree-text.js';
import { XATTR_READER } from '../../helpers/xattrs.js';

const PAGE = new Page('docs/tree-digest.md');
const EXAMPLE = PAGE.section('## Example');

const HOLE: Partial<RawEntry> = { type: 'S', magic: 'gnu', sparse: { map: [[2 ** 20, 0]], size: 2 ** 20 } };
const DAY = 1_700_000_000;

/** The layer that the page describes. */
const EXAMPLE_LAYER: readonly RawEntry[] = [
  { name: 'usr', type: '5', mode: 0o755, mtime: DAY },
  { name: 'usr/tool', content: 'hello\n', mode: 0o4755, mtime: DAY, pax: [['mtime', `${DAY}.5`]] },
  { name: 'usr.d', type: '1', link: 'usr/tool', mode: 0o4755, mtime: DAY, pax: [['mtime', `${DAY}.5`]] },
  { name: 'usr/a b', type: '2', link: '../usr/tool', uid: 1000, gid: 1000 },
  { name: 'dev', type: '5', mode: 0o755 },
  { name: 'dev/null', type: '3', device: [1, 3], mode: 0o666 },
  {
    ...{ name: 'srv/caf\xe9', mode: 0o600, ...HOLE },
    pax: [
      ['mtime', '-0.5'],
      ['SCHILY.xattr.user.note', '50%'],
    ],
  },
  { name: 'srv/pipe', type: '6' },
];

const GNU_MAP = [
  [512, 3],
  [4096, 0],
] as const;
const MAP_IN_RECORDS = [
  ['GNU.sparse.size', '4096'],
  ['GNU.sparse.numblocks', '2'],
  ['GNU.sparse.map', '512,3,4096,0'],
] as const;
const MAP_IN_CONTENTS = [
  ['GNU.sparse.major', '1'],
  ['GNU.sparse.minor', '0'],
  ['GNU.sparse.realsize', '5000'],
] as const;
const SPARSE_TEXT = `${'\0'.repeat(1024)}${'data'.padEnd(512, '.')}`.padEnd(5000, '\0');

/** Layers, oldest first, of many kinds of trees. */
const STACKS: Readonly<Record<string, readonly (readonly RawEntry[])[]>> = {
  'without any entry': [[]],
  'with nothing but its root': [[{ name: './', type: '5', mode: 0o700, uid: 5, mtime: 9 }]],
  'of the example': [EXAMPLE_LAYER],
  'with a root that has an entry': [[{ name: './', type: '5', mode: 0o1777 }, ...EXAMPLE_LAYER]],
  'with implied directories': [[{ name: 'a/b/c/d', content: 'x' }, { name: 'a/b.c' }]],
  'with names that sort otherwise than paths do': [
    [{ name: 'a.b' }, { name: 'a', type: '5' }, { name: 'a/b' }, { name: 'a-b' }, { name: 'a\x01' }, { name: 'a\xff' }],
  ],
  'with hard links across layers, the first name removed': [
    [
      { name: 'a', content: 'contents' },
      { name: 'b/x', type: '1', link: 'a' },
      { name: 'b.x', type: '1', link: 'a' },
    ],
    [{ name: '.wh.a' }, { name: 'c', type: '1', link: 'b/x', mode: 0o600 }],
  ],
  'with hard links to everything that can have some': [
    [
      { name: 'symlink', type: '2', link: 'nowhere' },
      { name: 'fifo', type: '6' },
      { name: 'tty', type: '3', device: [5, 0] },
      { name: 'disk', type: '4', device: [259, 70_000] },
      ...['symlink', 'fifo', 'tty', 'disk'].map((link) => ({ name: `z-${link}`, type: '1', link })),
    ],
  ],
  'with attributes': [
    [
      {
        name: 'a',
        pax: [
          ['SCHILY.xattr.user.z', 'last'],
          ['SCHILY.xattr.user.a', 'old'],
          ['SCHILY.xattr.user.a', 'v\n=\0\xff %'],
          ['SCHILY.xattr.trusted.overlay.opaque', 'y'],
        ],
      },
      { name: 'd', type: '5', pax: [['SCHILY.xattr.user.empty', '']] },
    ],
  ],
  'with sparse files in every form': [
    [
      { name: 'gnu', type: 'S', magic: 'gnu', content: 'xyz', sparse: { map: GNU_MAP, size: 4096 } },
      { name: '0.1', content: 'xyz', pax: MAP_IN_RECORDS },
      {
        ...{ name: '1.0', content: `${'1\n1024\n512\n'.padEnd(512, '\0')}${'data'.padEnd(512, '.')}` },
        pax: MAP_IN_CONTENTS,
      },
      { name: '1.0 whole', content: SPARSE_TEXT },
    ],
  ],
  'with times of every kind': [
    [
      { name: 'a', mtime: -5 },
      { name: 'b', pax: [['mtime', '-5.000000001']] },
      { name: 'c', pax: [['mtime', '12.3456789019']] },
      { name: 'd', mtime: 2 ** 33 },
    ],
  ],
  'with names that are not text': [
    [{ name: '\xff\xfe' }, { name: 'x\ny', type: '2', link: '\xff\n' }, { name: '%41' }],
  ],
};

describe.each(Object.entries(STACKS))('the digest of a tree %s', (_, stack) => {
  test('is that of its text', async () => {
    const { tar, treeDigest: digest } = await flattenLayers(stack);
    expect(digest).toBe(treeDigest(treeOfTar(tar)));
  });

  const why = whyNotHere('root', 'python3', XATTR_READER);
  test.skipIf(why !== '')(`is that of the directory it is extracted to, by the script of the page${why}`, async () => {
    const { tar, treeDigest: digest } = await flattenLayers(stack);
    const folder = await temporaryFolder();
    const root = join(folder, 'root');
    await writeFile(join(folder, 'flat.tar'), tar);
    await writeFile(join(folder, 'tree-text.py'), script());
    await mkdir(root);
    await runCommand('sh', ['-c', `chmod 755 . && touch -d @0 . && ${EXTRACTORS['GNU tar']} -f ../flat.tar`], {
      cwd: root,
    });
    await runCommand('sh', ['-c', 'tar tf ../flat.tar | grep -qxF ./ || touch -d @0 .'], { cwd: root });
    const { stdout } = await runCommand('python3', [join(folder, 'tree-text.py'), root]);
    expect(stdout.toString()).toBe(treeText(await listTree(root)));
    expect(stdout.toString()).toBe(treeText(treeOfTar(tar)));
    expect(sha256(stdout)).toBe(digest);
  });
});

test('the example of the page has the digest that the page says', async () => {
  const [{ lines } = { lines: [] }] = EXAMPLE.fences;
  const told = /`(sha256:[0-9a-f]{64})`/.exec(EXAMPLE.prose.join('\n'))?.[1];
  expect(sha256(`${lines.join('\n')}\n`)).toBe(told);
  expect((await flattenLayers([EXAMPLE_LAYER])).treeDigest).toBe(told);
});

test('the digest does not depend on how the tar is cut into pieces', async () => {
  const stack = Object.values(STACKS).flat();
  const { tar, treeDigest: whole } = await flattenLayers(stack);
  for (const length of [1, 3, 511, 512, 513, 1024, 4000]) expect(await digestInPieces(tar, length)).toBe(whole);
});

test('a tar has passed once its end mark has', async () => {
  const passing = new PassingTar(new HashedEntries([]));
  await passing.push(rawLayer([{ name: 'a', content: 'x' }], { zeroBlocks: 0 }));
  expect(passing.ended).toBe(false);
  await passing.push(Buffer.alloc(512));
  expect(passing.ended).toBe(true);
});

test('an escape that the output needs for GNU tar is no part of the name of an attribute', async () => {
  const name = 'user.%25%3D%%3D%2';
  const { tar, treeDigest: digest } = await flattenLayers([[{ name: 'a', pax: [[`SCHILY.xattr.${name}`, 'v']] }]]);
  expect(tar.includes('user.%2525%253D%%253D%2=v')).toBe(true);
  const lines = [
    'dimgx-tree 1',
    'directory . 0755 0 0 0',
    `file a 0644 0 0 0 ${encodeURIComponent(name)}=v ${sha256('').slice(7)}`,
  ];
  expect(digest).toBe(sha256(`${lines.join('\n')}\n`));
});

test('an abort ends a hole of a terabyte', async () => {
  const size = 2 ** 40;
  const tar = rawLayer([{ name: 'a', type: 'S', magic: 'gnu', sparse: { map: [[size, 0]], size } }]);
  const passing = new PassingTar(new HashedEntries([new TreeDigest(() => {})], AbortSignal.timeout(100)));
  await expect(passing.push(tar)).rejects.toMatchObject({ code: 'DIMGX_ABORTED' });
});

test.each(['gnu', 'posix --sparse-version=0.0', 'posix --sparse-version=0.1', 'posix --sparse-version=1.0'])(
  'a sparse file of many stretches that GNU tar stores as %s has the digest of its contents',
  async (format) => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'root'));
    const file = await open(join(folder, 'root/file'), 'w');
    for (let i = 0; i < 60; i++) await file.write(`stretch ${i}`, 100_000 * i);
    await file.truncate(7_000_000);
    await file.close();
    const script = `tar -cSf ../layer.tar --format=${format} --owner=0 --group=0 --mode=644 --mtime=@0 file`;
    await runCommand('sh', ['-c', script], { cwd: join(folder, 'root') });
    const { tar, treeDigest: digest } = await flattenLayers([await readFile(join(folder, 'layer.tar'))]);
    expect(tar.length).toBeLessThan(1_000_000);
    expect(await digestInPieces(tar, 1000)).toBe(digest);
    const contents = sha256(await readFile(join(folder, 'root/file'))).slice('sha256:'.length);
    const lines = ['dimgx-tree 1', 'directory . 0755 0 0 0', `file file 0644 0 0 0 ${contents}`, ''];
    expect(digest).toBe(sha256(lines.join('\n')));
  },
);

async function digestInPieces(tar: Buffer, length: number): Promise<string | undefined> {
  let digest: string | undefined;
  const tree = new TreeDigest((computed) => {
    digest = computed;
  });
  const passing = new PassingTar(new HashedEntries([tree]));
  for (const piece of inPieces(tar, length)) await passing.push(piece);
  tree.end();
  return digest;
}

function script(): string {
  return PAGE.fences.find(({ language }) => language === 'python')?.lines.join('\n') ?? '';
}

function sha256(text: string | Uint8Array): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}
