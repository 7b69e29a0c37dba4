import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { type ImageTree, openTree, type TreeOptions } from '#dimgx/tree.js';
import { dockerArchive } from './helpers/docker-archive.js';
import { archiveOf, temporaryFolder } from './helpers/members.js';
import { type RawEntry, rawLayer } from './helpers/raw-layer.js';

async function archive(layers: readonly (readonly RawEntry[])[]): Promise<string> {
  const path = join(await temporaryFolder(), 'image.tar');
  await writeFile(path, await archiveOf(dockerArchive([{ layers: layers.map((layer) => rawLayer(layer)) }])));
  return path;
}

async function withTree<T>(
  layers: readonly (readonly RawEntry[])[],
  use: (tree: ImageTree) => Promise<T> | T,
  options: TreeOptions = {},
): Promise<T> {
  const tree = await openTree(await archive(layers), options);
  try {
    return await use(tree);
  } finally {
    await tree.close();
  }
}

const bytes = (text: string) => Buffer.from(text, 'latin1');

const FILES: readonly RawEntry[] = [
  { name: 'etc/', type: '5' },
  { name: 'etc/key', content: 'secret', mode: 0o600 },
  { name: 'etc/link', type: '2', link: 'key' },
  { name: 'etc/up', type: '2', link: '../../../../etc//link' },
  { name: 'conf', type: '2', link: '/etc/' },
  { name: 'one', type: '2', link: 'two' },
  { name: 'two', type: '2', link: 'one' },
  { name: 'nowhere', type: '2', link: 'gone' },
  { name: 'caf\xe9', content: 'latin1' },
  { name: 'pipe', type: '6' },
  { name: 'null', type: '3', device: [1, 3] },
  {
    name: 'sparse',
    type: 'S',
    magic: 'gnu',
    content: 'data'.padEnd(512, '.'),
    sparse: { map: [[1024, 512]], size: 5000 },
  },
  { name: 'empty' },
];

describe('the contents of a file', () => {
  const read = (path: string, layers = [FILES], options: TreeOptions = {}) =>
    withTree(layers, async (tree) => (await buffer(await tree.read(bytes(path)))).toString('latin1'), options);

  test.each([
    ...['/etc/key', 'etc/key', '//etc/.//key', '/etc/../etc/key', '/../../etc/key'],
    ...['/etc/link', '/etc/up', '/conf/key', '/conf/up'],
  ])('are found at %s', async (path) => {
    expect(await read(path)).toBe('secret');
  });

  test('of a sparse file have its holes, and those of an empty one are empty', async () => {
    expect(await read('/sparse')).toBe(`${'\0'.repeat(1024)}${'data'.padEnd(512, '.')}`.padEnd(5000, '\0'));
    expect(await read('/empty')).toBe('');
    expect(await read('/caf\xe9')).toBe('latin1');
  });

  test.each([
    ['/gone', 'DIMGX_PATH_NOT_FOUND', '"/gone" is not in the image'],
    ['/etc/key/x', 'DIMGX_PATH_NOT_FOUND', '"/etc/key/x" is not in the image'],
    ['/nowhere', 'DIMGX_PATH_NOT_FOUND', '"/nowhere" leads to "/gone", which is not in the image'],
    ['/etc/key/', 'DIMGX_PATH_NOT_FOUND', '"/etc/key/" is not in the image'],
    ['/etc/key/../link', 'DIMGX_PATH_NOT_FOUND', expect.stringContaining(' is not in the image')],
    ['/one', 'DIMGX_PATH_LOOP', '"/one" leads through more than 40 symlinks'],
    ['/etc', 'DIMGX_PATH_NOT_FILE', '"/etc" is a directory, not a file'],
    ['/', 'DIMGX_PATH_NOT_FILE', '"/" is a directory, not a file'],
    ['/pipe', 'DIMGX_PATH_NOT_FILE', '"/pipe" is a FIFO, not a file'],
    ['/null', 'DIMGX_PATH_NOT_FILE', '"/null" is a device, not a file'],
  ])('are refused where there are none: %s', async (path, code, message) => {
    await expect(read(path)).rejects.toMatchObject({ code, message });
  });

  test('that newer layers hide are in a layer that the message names', async () => {
    const layers = [FILES, [{ name: 'etc/key', content: 'newer' }], [{ name: 'etc/.wh.key' }]];
    const message =
      '"/etc/link" leads to "/etc/key", which is hidden: layers @2, @1 have it, and "/etc/.wh.key" of layer @3 hides it (removed): select its layer with -l @2, and name it as "/etc/key"';
    await expect(read('/etc/link', layers)).rejects.toMatchObject({ code: 'DIMGX_PATH_HIDDEN', message });
    expect(await read('/etc/key', layers, { layers: ['@2'] })).toBe('newer');
    expect(await read('/etc/link', layers, { layers: ['@1'] })).toBe('secret');
  });

  test('of a hard link are found in layers that are not selected', async () => {
    const layers = [FILES, [{ name: 'copy', type: '1', link: 'etc/key' }], [{ name: 'etc/.wh.key' }]];
    expect(await read('/copy', layers)).toBe('secret');
    expect(await read('/copy', layers, { layers: ['@2'] })).toBe('secret');
    await expect(read('/other', layers, { layers: ['@2'] })).rejects.toMatchObject({ code: 'DIMGX_PATH_NOT_FOUND' });
  });

  test('are found by their inode, also those that the layer itself hides', async () => {
    const layers = [
      [
        { name: 'key', content: 'first' },
        { name: 'key', content: 'second' },
        { name: 'dir/', type: '5' },
      ],
    ];
    await withTree(layers, async (tree) => {
      const found = [...tree.list([], { hidden: true })].filter(({ type }) => type === 'file');
      const read = async (inode: number) => (await buffer(await tree.readInode(inode))).toString();
      expect(await Promise.all(found.map(({ origin }) => read(origin.inode)))).toEqual(['second', 'first']);
      for (const inode of [0, 1, 99, -1, 0.5]) {
        await expect(read(inode)).rejects.toMatchObject({ code: 'DIMGX_PATH_NOT_FOUND' });
      }
    });
  });

  test('of a damaged layer end in an error', async () => {
    const path = await archive([FILES]);
    const damaged = await readFile(path);
    damaged.set(Buffer.from('S'), damaged.indexOf('latin1'));
    await writeFile(path, damaged);
    const contents = async (verify: boolean) => {
      const tree = await openTree(path, verify ? {} : { verify });
      try {
        return (await buffer(await tree.read(bytes('etc/key')))).toString();
      } finally {
        await tree.close();
      }
    };
    await expect(contents(true)).rejects.toMatchObject({ code: 'DIMGX_IMAGE_DIGEST_MISMATCH' });
    expect(await contents(false)).toBe('secret');
  });
});

const STACK: readonly (readonly RawEntry[])[] = [
  [
    { name: 'a/', type: '5' },
    { name: 'a/b', content: '1' },
    { name: 'a/c', content: '1' },
    { name: 'a.d', content: '' },
    { name: 'd/', type: '5' },
    { name: 'd/x/y', content: '' },
  ],
  [{ name: 'a/b', content: '2' }, { name: 'a/.wh.c' }, { name: '.wh.d' }],
  [
    { name: 'a/b', content: '3' },
    { name: 'to', type: '2', link: 'a' },
  ],
];

describe('a listing', () => {
  const list = (paths: readonly string[], options = {}, layers: readonly (readonly RawEntry[])[] = STACK) =>
    withTree(layers, (tree) =>
      [...tree.list(paths.map(bytes), options)].map(({ path, origin }) => {
        const hidden = origin.hiddenBy && ` ${origin.hiddenBy.how} in @${origin.hiddenBy.layer}`;
        return `@${origin.layer} ${Buffer.from(path).toString()}${hidden ?? ''}`;
      }),
    );

  test.each<[string, readonly string[], object, readonly string[]]>([
    ['the root, if nothing is named', [], {}, ['@1 a', '@1 a.d', '@3 to']],
    ['a directory', ['/a'], {}, ['@3 a/b']],
    ['a directory behind a symlink', ['/to/'], {}, ['@3 a/b']],
    ['a symlink', ['to'], {}, ['@3 to']],
    ['a file', ['a/b'], {}, ['@3 a/b']],
    ['everything', ['/'], { recursive: true }, ['@1 a', '@3 a/b', '@1 a.d', '@3 to']],
    ['what fits a pattern', ['/a*'], {}, ['@1 a', '@1 a.d']],
    ['what fits a pattern, with all below', ['/a*'], { recursive: true }, ['@1 a', '@3 a/b', '@1 a.d']],
    ['several, each path once', ['/a', 'a/b', '/*'], {}, ['@1 a', '@3 a/b', '@1 a.d', '@3 to']],
    [
      'what is hidden',
      ['/'],
      { recursive: true, hidden: true },
      [
        ...['@1 a', '@3 a/b', '@2 a/b replaced in @3', '@1 a/b replaced in @2', '@1 a/c removed in @2', '@1 a.d'],
        ...['@1 d removed in @2', '@1 d/x/y removed in @2', '@3 to'],
      ],
    ],
    ['a hidden file', ['/a/c'], { hidden: true }, ['@1 a/c removed in @2']],
    ['what is in a hidden directory', ['/d/x'], { hidden: true }, ['@1 d/x/y removed in @2']],
  ])('shows %s', async (_, paths, options, expected) => {
    expect(await list(paths, options)).toEqual(expected);
  });

  test('names what is not there, and who hides it', async () => {
    await expect(list(['/q'])).rejects.toMatchObject({ code: 'DIMGX_PATH_NOT_FOUND' });
    await expect(list(['/q*'])).rejects.toMatchObject({ code: 'DIMGX_PATH_NOT_FOUND', message: 'no path fits "/q*"' });
    const hidden = {
      code: 'DIMGX_PATH_HIDDEN',
      message: expect.stringContaining('"/.wh.d" of layer @2 hides it (removed)'),
    };
    await expect(list(['/d/x/y'])).rejects.toMatchObject(hidden);
    await expect(list(['/a', '/d'])).rejects.toMatchObject({ code: 'DIMGX_PATH_HIDDEN' });
  });

  test('takes a name for itself before it takes it for a pattern', async () => {
    const layers = [[{ name: '[a]' }, { name: 'a' }]];
    expect(await list(['/[a]'], {}, layers)).toEqual(['@1 [a]']);
    expect(await list(['/[a-b]'], {}, layers)).toEqual(['@1 a']);
  });
});

describe('what was in a directory that a symlink has replaced', () => {
  const layers: readonly (readonly RawEntry[])[] = [
    [
      { name: 'srv/key', content: 'old' },
      { name: 'two/key', content: 'old' },
      { name: 'opt/key', content: 'other' },
    ],
    [
      { name: 'srv', type: '2', link: 'opt' },
      { name: 'two', type: '2', link: '/nowhere' },
    ],
  ];

  test('is found at its own path', async () => {
    await withTree(layers, async (tree) => {
      const shown = [...tree.list([bytes('/srv/key')], { hidden: true })];
      expect(shown.map(({ path }) => Buffer.from(path).toString())).toEqual(['opt/key', 'srv/key']);
      expect([...tree.list([bytes('/two/key')], { hidden: true })]).toMatchObject([{ origin: { layer: 1 } }]);
      const message =
        '"/two/key" is hidden: layer @1 has it, and "/two" of layer @2 hides it (parent): select its layer with -l @1';
      await expect(tree.read(bytes('/two/key'))).rejects.toMatchObject({ code: 'DIMGX_PATH_HIDDEN', message });
      for (const path of ['/srv/key', '/two/key']) {
        const events: string[] = [];
        for await (const { action, layer } of tree.history(bytes(path))) events.push(`${action} @${layer}`);
        expect(events).toEqual(['added @1', 'removed @2']);
      }
    });
  });

  test('is listed with the directory itself, if that is hidden', async () => {
    const paths = await withTree(layers, (tree) =>
      [...tree.list([bytes('srv/')], { hidden: true })].map(({ path }) => Buffer.from(path).toString()),
    );
    expect(paths).toEqual(['opt/key', 'srv/key']);
    const dir: readonly (readonly RawEntry[])[] = [[{ name: 'd/', type: '5' }], [{ name: 'd' }]];
    const both = await withTree(dir, (tree) => [...tree.list([bytes('d')], { hidden: true })].map(({ type }) => type));
    expect(both).toEqual(['file', 'directory']);
  });
});

describe('the history of a path', () => {
  const history = (path: string, layers: readonly (readonly RawEntry[])[]) =>
    withTree(layers, async (tree) => {
      const lines: string[] = [];
      for await (const { action, layer, differences } of tree.history(bytes(path))) {
        lines.push([`@${layer}`, action, ...differences].join(' '));
      }
      return lines;
    });

  test('tells what was added, changed in what, and removed', async () => {
    const day = { mtime: 86_400 };
    const layers: readonly (readonly RawEntry[])[] = [
      [{ name: 'a', content: 'one' }],
      [{ name: 'a', content: 'two' }],
      [{ name: 'b' }],
      [{ name: 'a', content: 'two', mode: 0o600, uid: 1, ...day }],
      [{ name: 'a', content: 'longer', mode: 0o600, uid: 1, ...day, pax: [['SCHILY.xattr.user.a', 'x']] }],
      [{ name: 'a', content: 'longer', mode: 0o600, uid: 1, ...day, pax: [['SCHILY.xattr.user.a', 'x']] }],
      [{ name: '.wh.a' }],
      [{ name: 'a', type: '2', link: 'b' }],
      [{ name: 'a', type: '2', link: 'c' }],
      [{ name: 'a/', type: '5' }],
      [{ name: '.wh..wh..opq' }],
    ];
    expect(await history('/a', layers)).toEqual([
      '@1 added',
      '@2 changed content',
      '@4 changed mode owner time',
      '@5 changed content xattrs',
      '@6 described',
      '@7 removed',
      '@8 added',
      '@9 changed target',
      '@10 changed type',
      '@11 removed',
    ]);
  });

  test('of a hard link compares the contents of its file', async () => {
    const layers: readonly (readonly RawEntry[])[] = [
      [
        { name: 'a', content: 'one' },
        { name: 'b', type: '1', link: 'a' },
        { name: 'c', content: 'one' },
      ],
      [{ name: 'b', content: 'one' }],
      [{ name: 'b', type: '1', link: 'c' }],
      [{ name: 'b', content: 'two' }],
    ];
    expect(await history('/b', layers)).toEqual(['@1 added', '@2 described', '@3 described', '@4 changed content']);
  });

  test('of a path that never was is refused', async () => {
    await expect(history('/q', STACK)).rejects.toMatchObject({ code: 'DIMGX_PATH_NOT_FOUND' });
  });
});
