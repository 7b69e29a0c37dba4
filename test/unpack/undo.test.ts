import { chmod, link, mkdir, readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DimgxError } from '#dimgx/errors.js';
import { placeForClosedFolders } from '../helpers/closed-folders.js';
import { flattenLayers } from '../helpers/flatten-layers.js';
import { cannotMount, smallDisk } from '../helpers/mounts.js';
import { type RawEntry, rawLayer } from '../helpers/raw-layer.js';
import { listTree } from '../helpers/tree.js';
import { unpack } from '../helpers/unpack.js';

const ENTRIES: readonly RawEntry[] = ['a', 'b', 'b/c', 'd'].flatMap((folder): RawEntry[] => [
  { name: folder, type: '5', mode: 0o500 },
  { name: `${folder}/file`, content: folder.repeat(3000) },
  { name: `${folder}/hard`, type: '1', link: `${folder}/file` },
  { name: `${folder}/soft`, type: '2', link: 'file' },
]);

const tarOf = async (entries: readonly RawEntry[]) => (await flattenLayers([entries])).tar;
const TAR = tarOf(ENTRIES);

/** A folder that has some of what is in the tar, and more. */
async function half(): Promise<string> {
  const dest = await placeForClosedFolders();
  await mkdir(join(dest, 'b/c'), { recursive: true });
  await writeFile(join(dest, 'b/c/file'), 'old');
  await symlink('old', join(dest, 'b/soft'));
  await writeFile(join(dest, 'b/c/own'), 'old');
  return dest;
}

/** All but the times of folders. */
async function contentsOf(folder: string) {
  const tree = [...(await listTree(folder))];
  return tree.map(([path, entry]) => [path, entry.type === 'directory' ? { ...entry, mtime: '' } : entry]);
}

/** The code of the error that work ends with. */
async function endOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'no error';
  } catch (failure) {
    return failure instanceof DimgxError ? failure.code : String(failure);
  }
}

test('an abort at any moment leaves nothing, and restores what was replaced', async () => {
  const tar = await TAR;
  const piece = 1500;
  const pieces = Math.ceil(tar.length / piece);
  for (let stop = 0; stop <= pieces; stop++) {
    const dest = await half();
    const before = await contentsOf(dest);
    const controller = new AbortController();
    let passed = 0;
    const onPiece = () => void (++passed >= stop && controller.abort());
    if (stop === 0) controller.abort();
    const { signal } = controller;
    expect(await endOf(unpack(tar, { dest, force: true, piece, onPiece, signal })), `${stop}`).toBe('DIMGX_ABORTED');
    expect(await contentsOf(dest), `${stop}`).toEqual(before);
  }
});

test('the same with a new folder', async () => {
  const dest = join(await placeForClosedFolders(), 'new');
  const controller = new AbortController();
  const onPiece = () => controller.abort();
  const work = unpack(await TAR, { dest, piece: 8000, onPiece, signal: controller.signal });
  expect(await endOf(work)).toBe('DIMGX_ABORTED');
  expect(await readdir(join(dest, '..'))).toEqual([]);
});

test('with force, nothing of what was replaced is left in the end', async () => {
  const dest = await half();
  await unpack(await TAR, { dest, force: true });
  const names = ['a', 'b', 'b/c', 'd'].flatMap((folder) =>
    ['', '/file', '/hard', '/soft'].map((name) => folder + name),
  );
  expect((await readdir(dest, { recursive: true })).sort()).toEqual([...names, 'b/c/own'].sort());
  expect(await readFile(join(dest, 'b/c/file'), 'utf8')).toBe('b/c'.repeat(3000));
});

test('an error in the last symlink undoes everything that the run has done', async () => {
  const dest = await half();
  const before = await contentsOf(dest);
  const onPiece = async () => {
    if ((await readdir(dest)).includes('d')) await mkdir(join(dest, 'd/soft'), { recursive: true });
  };
  const work = unpack(await TAR, { dest, force: true, piece: 1000, onPiece });
  await expect(work).rejects.toMatchObject({
    code: 'DIMGX_TARGET_UNWRITABLE',
    message: `"${dest}/d/soft" exists by now: this file system may take two names of the image for one`,
  });
  const ofOthers = new Set(['d', 'd/soft']);
  expect((await contentsOf(dest)).filter(([path]) => !ofOthers.has(path as string))).toEqual(before);
  expect(await readdir(join(dest, 'd'))).toEqual(['soft']);
});

test('what has taken the place of something made is left alone', async () => {
  const dest = await placeForClosedFolders();
  const controller = new AbortController();
  const onPiece = async () => {
    if (!(await readdir(dest)).includes('b')) return;
    await rename(join(dest, 'a'), join(dest, 'kept'));
    await writeFile(join(dest, 'a'), 'of somebody else');
    controller.abort();
  };
  await endOf(unpack(await TAR, { dest, piece: 1000, onPiece, signal: controller.signal }));
  expect((await readdir(dest)).sort()).toEqual(['a', 'kept']);
  expect(await readFile(join(dest, 'a'), 'utf8')).toBe('of somebody else');
});

/** Copies until `b/c/file` is there, lets another program act, and ends the run. */
async function endedMeanwhile(dest: string, act: () => Promise<void>) {
  const controller = new AbortController();
  const onPiece = async () => {
    if (controller.signal.aborted || (await readFile(join(dest, 'b/c/file')).catch(() => '')).length < 9000) return;
    await act();
    controller.abort();
  };
  expect(await endOf(unpack(await TAR, { dest, piece: 1000, onPiece, signal: controller.signal }))).toBe(
    'DIMGX_ABORTED',
  );
  return (await readdir(dest, { recursive: true })).sort();
}

test('what others have put into new folders is left alone, with the folders that it is in', async () => {
  const dest = join(await placeForClosedFolders(), 'new');
  const left = await endedMeanwhile(dest, async () => {
    await chmod(join(dest, 'a'), 0o700);
    await mkdir(join(dest, 'a/of somebody'));
    await chmod(join(dest, 'a'), 0o500);
    await writeFile(join(dest, 'b/c/mine'), 'else');
  });
  expect(left).toEqual(['a', 'a/of somebody', 'b', 'b/c', 'b/c/mine']);
  expect(await readFile(join(dest, 'b/c/mine'), 'utf8')).toBe('else');
});

test('what has replaced a file in a new folder is left alone', async () => {
  const dest = await placeForClosedFolders();
  const left = await endedMeanwhile(dest, async () => {
    await writeFile(join(dest, 'theirs'), 'of somebody else');
    await rename(join(dest, 'theirs'), join(dest, 'b/c/file'));
  });
  expect(left).toEqual(['b', 'b/c', 'b/c/file']);
  expect(await readFile(join(dest, 'b/c/file'), 'utf8')).toBe('of somebody else');
});

test('nothing is removed through a symlink that has taken the place of a new folder', async () => {
  const folder = await placeForClosedFolders();
  const [dest, outside] = [join(folder, 'dest'), join(folder, 'outside')];
  await mkdir(outside);
  await mkdir(dest);
  await endedMeanwhile(dest, async () => {
    await link(join(dest, 'b/c/file'), join(outside, 'file')); // the very file that was made
    await rename(join(dest, 'b/c'), join(folder, 'away'));
    await symlink(outside, join(dest, 'b/c'));
  });
  expect(await readdir(join(dest, 'b'))).toEqual(['c']);
  expect(await readdir(outside)).toEqual(['file']);
});

test('a name that the run has made already is an error, as on a file system that ignores case', async () => {
  const header = { mode: 0o755, mtime: 0 };
  for (const force of [false, true]) {
    for (const [first, second] of [
      [{ name: 'x' }, { name: 'x' }],
      [{ name: 'x' }, { name: 'x', type: '2', link: 'y' }],
      [{ name: 'x', type: '2', link: 'y' }, { name: 'x' }],
      [
        { name: 'x', type: '5' },
        { name: 'x', type: '5' },
      ],
      [{ name: 'x', type: '5' }, { name: 'x' }],
    ] as const) {
      for (const folder of ['', 'new/']) {
        const dest = await placeForClosedFolders();
        const entries = [first, second].map((entry) => ({ ...header, ...entry, name: folder + entry.name }));
        const parent = { ...header, name: 'new', type: '5' };
        const work = unpack(
          rawLayer([parent, entries[0] as RawEntry, { ...header, name: `${folder}y` }, entries[1] as RawEntry]),
          { dest, force },
        );
        expect(await endOf(work)).toBe('DIMGX_TARGET_UNWRITABLE');
        expect(await readdir(dest)).toEqual([]);
      }
    }
  }
});

describe.skipIf(cannotMount())('a full disk (needs root)', () => {
  test.each([
    [
      'in a large file',
      [
        { name: 'd', type: '5', mode: 0o755 },
        { name: 'd/small', content: 'x' },
        { name: 'd/large', content: 'x'.repeat(3_000_000) },
      ],
    ],
    ['in many small files', Array.from({ length: 400 }, (_, i): RawEntry => ({ name: `d/${i}`, content: 'x' }))],
    [
      'in the symlinks',
      Array.from({ length: 3000 }, (_, i): RawEntry => ({ name: `d/${i}`, type: '2', link: 'x'.repeat(2000) })),
    ],
  ])('%s is told as such, and nothing is left', async (_, entries) => {
    const disk = await smallDisk(2 ** 20);
    expect(await endOf(unpack(await tarOf(entries), { dest: disk }))).toBe('DIMGX_TARGET_NO_SPACE');
    expect(await readdir(disk)).toEqual([]);
  });
});

test('a thousand folders in one another are removed', async () => {
  const dest = await placeForClosedFolders();
  const deep = Array.from({ length: 1000 }, () => 'dd').join('/');
  const wide = Array.from({ length: 350 }, (_, i): RawEntry => ({ name: `wide/${i}/f` }));
  const controller = new AbortController();
  const tar = await tarOf([{ name: `${deep}/f`, content: 'x' }, ...wide, { name: 'zz', content: 'x' }]);
  const onPiece = async () => {
    if ((await readdir(dest)).includes('zz')) controller.abort();
  };
  const work = unpack(tar, { dest, piece: tar.length - 1024, onPiece, signal: controller.signal });
  expect(await endOf(work)).toBe('DIMGX_ABORTED');
  expect(await readdir(dest)).toEqual([]);
});
