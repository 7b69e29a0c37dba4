import { execFileSync } from 'node:child_process';
import fs, {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { FolderTree, type LinkRule } from '#dimgx/base/io/folder-tree.js';
import { temporaryFolder } from '../../helpers/members.js';

async function treeIn(links: LinkRule = 'inside') {
  const folder = await temporaryFolder();
  const root = openSync(folder, 'r');
  const tree = new FolderTree(root, links);
  onTestFinished(() => {
    tree.close();
    closeSync(root);
  });
  mkdirSync(`${folder}/a/b`, { recursive: true });
  writeFileSync(`${folder}/a/b/f`, 'f of b');
  writeFileSync(`${folder}/a/g`, 'g of a');
  writeFileSync(`${folder}/h`, 'h of root');
  const read = (path: string | Uint8Array) => {
    const { fd } = tree.openFile(path);
    try {
      return readFileSync(fd, 'utf8');
    } finally {
      closeSync(fd);
    }
  };
  return { folder, tree, read };
}

test.each([
  ['a/b/f', 'f of b'],
  ['/a/b/f', 'f of b'],
  ['./a//b/./f', 'f of b'],
  ['a/b/../g', 'g of a'],
  ['nowhere/../h', 'h of root'],
])('%s is opened', async (path, contents) => {
  const { read } = await treeIn();
  expect(read(path)).toBe(contents);
  expect(read('a/g')).toBe('g of a');
  expect(read(path)).toBe(contents);
});

test.each([
  ['/a/b', 'an absolute one'],
  ['a/b', 'a relative one'],
  ['./a/../a/b', 'one with dots'],
  ['../../../../a/b', 'one that goes above the root'],
])('a symlink to %s is followed with the folder as the root: %s', async (target) => {
  const { folder, read } = await treeIn();
  symlinkSync(target, `${folder}/link`);
  expect(read('link/f')).toBe('f of b');
  expect(read('a/b/f')).toBe('f of b');
  expect(read('link/f')).toBe('f of b');
});

test('a symlink is not followed where none may be', async () => {
  const { folder, read } = await treeIn('none');
  symlinkSync('a', `${folder}/link`);
  expect(() => read('link/g')).toThrow(/ENOTDIR|ELOOP/);
});

test('a loop of symlinks is an error', async () => {
  const { folder, read } = await treeIn();
  symlinkSync('two', `${folder}/one`);
  symlinkSync('one', `${folder}/two`);
  expect(() => read('one/f')).toThrow(expect.objectContaining({ code: 'DIMGX_SOURCE_BAD_MEMBER' }));
});

test.each(['..', '../h', 'a/../../h', 'a/\0b'])('the path %j is refused', async (path) => {
  const { read } = await treeIn();
  expect(() => read(path)).toThrow(expect.objectContaining({ code: 'DIMGX_SOURCE_UNSAFE_PATH' }));
});

test('nothing but regular files is opened', async () => {
  const { folder, read } = await treeIn();
  execFileSync('mkfifo', [`${folder}/fifo`]);
  symlinkSync('h', `${folder}/link`);
  for (const path of ['fifo', 'link', 'a', '']) {
    expect(() => read(path), path).toThrow(expect.objectContaining({ code: 'DIMGX_SOURCE_BAD_MEMBER' }));
  }
});

describe('of the files in a folder that is listed once', () => {
  async function listedIn(links: LinkRule = 'inside') {
    const { folder, tree } = await treeIn(links);
    const read = (path: string) => {
      const { fd, stats } = tree.openListed(path);
      try {
        const text = readFileSync(fd, 'utf8');
        expect(stats.size).toBe(text.length);
        return text;
      } finally {
        closeSync(fd);
      }
    };
    return { folder, read };
  }

  test('each one is opened, also one that came later', async () => {
    const { folder, read } = await listedIn();
    expect(read('a/b/f')).toBe('f of b');
    writeFileSync(`${folder}/a/b/new`, 'new');
    expect(read('a/b/new')).toBe('new');
    expect(read('a/g')).toBe('g of a');
    expect(read('h')).toBe('h of root');
    expect(() => read('a/b/gone')).toThrow('ENOENT');
  });

  test.each<LinkRule>(['inside', 'none'])('nothing else is opened, with links %s', async (links) => {
    const { folder, read } = await listedIn(links);
    execFileSync('mkfifo', [`${folder}/a/fifo`]);
    symlinkSync('g', `${folder}/a/link`);
    expect(read('a/g')).toBe('g of a');
    for (const path of ['a/fifo', 'a/link', 'a/b', 'a/b/', 'a/.']) {
      expect(() => read(path), path).toThrow(expect.objectContaining({ code: 'DIMGX_SOURCE_BAD_MEMBER' }));
    }
  });

  test('each one is looked at if the folder is behind a symlink', async () => {
    const { folder, read } = await listedIn();
    symlinkSync('a', `${folder}/link`);
    execFileSync('mkfifo', [`${folder}/a/fifo`]);
    expect(read('link/g')).toBe('g of a');
    expect(read('link/b/f')).toBe('f of b');
    expect(() => read('link/fifo')).toThrow(expect.objectContaining({ code: 'DIMGX_SOURCE_BAD_MEMBER' }));
  });

  function countListings() {
    const listing = vi.spyOn(fs, 'readdirSync');
    syncBuiltinESMExports();
    onTestFinished(() => {
      listing.mockRestore();
      syncBuiltinESMExports();
    });
    return listing;
  }

  test.each<[string, number, number, (i: number) => string]>([
    ['below ./', 100, 1, (i) => `./f${i}`],
    ['in the folder itself', 100, 1, (i) => `f${i}`],
    ['by long ways', 100, 1, (i) => `a//b/../b/./f${i}`],
    ['in a long folder', 3000, 1, (i) => `a/f${i}`],
    ['in two folders in turn', 100, 0, (i) => `a/${i % 2 === 0 ? '' : 'b/'}f${i}`],
    ['few in a long folder', 10, 0, (i) => `long/f${i}`],
  ])('names are read once for many files, and not for few: %s', async (_, count, times, path) => {
    const { folder, read } = await listedIn();
    mkdirSync(`${folder}/long`);
    for (let i = 0; i < 3000; i++) writeFileSync(`${folder}/long/f${i}`, '');
    for (let i = 0; i < count; i++) writeFileSync(`${folder}/${path(i)}`, `${i}`);
    const listing = countListings();
    for (let i = 0; i < count; i++) expect(read(path(i))).toBe(`${i}`);
    expect(listing).toHaveBeenCalledTimes(times);
  });

  test('a name of which each character is one byte is found', async () => {
    const { folder, read } = await listedIn();
    writeFileSync(Buffer.from(`${folder}/a/\xff\xe9`, 'latin1'), 'x');
    expect(read('a/\xff\xe9')).toBe('x');
  });
});

test('names need not be UTF-8', async () => {
  const { folder, read } = await treeIn();
  const name = Buffer.from(`${folder}/\xff\xe9`, 'latin1');
  mkdirSync(name);
  writeFileSync(Buffer.concat([name, Buffer.from('/x')]), 'x');
  expect(read(Buffer.from('\xff\xe9/x', 'latin1'))).toBe('x');
  writeFileSync(`${folder}/\u00e9`, 'text');
  expect(read('\u00e9')).toBe('text');
});

test('a folder that is replaced by another is seen', async () => {
  const { folder, read } = await treeIn();
  expect(read('a/b/f')).toBe('f of b');
  rmSync(`${folder}/a/b`, { recursive: true });
  expect(() => read('a/b/f')).toThrow('ENOENT');
});

test('no descriptor is left open', async () => {
  const before = readdirSync('/proc/self/fd').length;
  const folder = await temporaryFolder();
  const root = openSync(folder, 'r');
  mkdirSync(`${folder}/${'d/'.repeat(30)}`, { recursive: true });
  symlinkSync('/', `${folder}/link`);
  const tree = new FolderTree(root, 'inside');
  for (const path of [`${'d/'.repeat(30)}x`, 'd/d/x', 'link/d/../d/x', 'gone/x', `${'d/'.repeat(120)}x`]) {
    expect(() => tree.openFile(path)).toThrow();
  }
  tree.close();
  closeSync(root);
  expect(readdirSync('/proc/self/fd').length).toBe(before);
});

test('a folder is opened through symlinks, as if its tree were the root', async () => {
  const { folder, tree } = await treeIn();
  mkdirSync(`${folder}/etc`);
  symlinkSync('/a', `${folder}/etc/absolute`);
  symlinkSync('../../../../a', `${folder}/etc/outward`);
  symlinkSync('loop', `${folder}/etc/loop`);
  for (const path of ['etc/absolute', 'etc/outward', 'etc/absolute/b/..']) {
    expect(tree.namesIn(path).toSorted()).toEqual(['b', 'g']);
  }
  expect(() => tree.openFolder('etc/loop')).toThrow(expect.objectContaining({ code: 'DIMGX_SOURCE_BAD_MEMBER' }));
  expect(() => tree.openFolder('h')).toThrow(expect.objectContaining({ code: 'ENOTDIR' }));
});
