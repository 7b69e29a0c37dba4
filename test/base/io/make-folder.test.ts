import { chown, mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeFolder, makeUserFolder } from '#dimgx/base/io/folders.js';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'dimgx-folder-'));
});

afterEach(() => rm(root, { recursive: true, force: true }));

describe('making a folder', () => {
  it('makes those above it, with the mode asked for, and tells which are new', async () => {
    await mkdir(join(root, 'a'));
    const made = [join(root, 'a/b'), join(root, 'a/b/c')];
    expect(await makeFolder(join(root, 'a/b/c'), 0o700)).toEqual(made);
    for (const folder of made) expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect(await makeFolder(join(root, 'a/b/c'), 0o700)).toEqual([]);
  });

  it('goes well for many that make the same at once', async () => {
    const path = join(root, 'x/y/z');
    const made = await Promise.all(Array.from({ length: 20 }, () => makeFolder(path, 0o700)));
    expect(made.flat().sort()).toEqual([join(root, 'x'), join(root, 'x/y'), path]);
  });

  it('follows a symlink to a folder', async () => {
    await mkdir(join(root, 'disk'));
    await symlink('disk', join(root, 'link'));
    await makeFolder(join(root, 'link/below'), 0o700);
    expect(await readdir(join(root, 'disk'))).toEqual(['below']);
  });

  it('ends with an error where a symlink leads nowhere', async () => {
    await symlink('/nonexistent/scratch', join(root, 'link'));
    await expect(makeFolder(join(root, 'link'), 0o700)).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(makeFolder(join(root, 'link/below'), 0o700)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('ends with an error where a file stands', async () => {
    await writeFile(join(root, 'file'), '');
    await expect(makeFolder(join(root, 'file'), 0o700)).rejects.toMatchObject({ code: 'EEXIST' });
    await expect(makeFolder(join(root, 'file/below'), 0o700)).rejects.toMatchObject({ code: 'ENOTDIR' });
  });

  it('ends with an error where a folder can have no children', async () => {
    await expect(makeFolder('/proc/dimgx/cache/blobs', 0o700)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it.runIf(process.getuid?.() === 0)('gives what root makes in the home of another user to that user', async () => {
    await chown(root, 12_345, 54_321);
    await makeUserFolder(join(root, '.config/containers'));
    for (const name of ['.config', '.config/containers']) {
      expect(await stat(join(root, name))).toMatchObject({ uid: 12_345, gid: 54_321 });
    }
  });
});
