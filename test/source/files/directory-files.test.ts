import { execFileSync } from 'node:child_process';
import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DirectoryFiles } from '#dimgx/source/files/directory-files.js';
import { temporaryFolder, writeFolder } from '../../helpers/members.js';
import { bytesOf } from '../../helpers/opened.js';

async function contentsOf(folder: string, name: string): Promise<string | undefined> {
  const file = await (await DirectoryFiles.at(folder)).open(name);
  if (!file) return undefined;
  const text = (await bytesOf(file.region)).toString();
  await file.close();
  return text;
}

async function codeOf(folder: string, name: string): Promise<unknown> {
  return contentsOf(folder, name).then(
    () => 'opened',
    (failure) => failure.code,
  );
}

describe('the files of a directory', () => {
  test('are opened by name, through links that stay inside', async () => {
    const folder = await writeFolder({
      'a/file': 'x',
      'b/link': { type: 'symlink', linkname: '../a/file' },
      c: { type: 'symlink', linkname: 'a' },
    });
    for (const name of ['a/file', './a//file', 'b/../a/file', 'b/link', 'c/file', '/a/file']) {
      expect(await contentsOf(folder, name)).toBe('x');
    }
  });

  test('are not there when they are not', async () => {
    const folder = await writeFolder({ file: 'x' });
    for (const name of ['none', 'none/file', 'file/x', 'n'.repeat(300)]) {
      expect(await contentsOf(folder, name)).toBeUndefined();
    }
  });

  test('may lie below a folder that is itself a link', async () => {
    const folder = await temporaryFolder();
    await symlink(await writeFolder({ file: 'x' }), join(folder, 'link'));
    expect(await contentsOf(join(folder, 'link'), 'file')).toBe('x');
  });

  test('do not lie outside, whatever names and links say', async () => {
    const outside = await writeFolder({ secret: 'x' });
    const folder = await writeFolder({
      absolute: { type: 'symlink', linkname: join(outside, 'secret') },
      folder: { type: 'symlink', linkname: outside },
    });
    await symlink(`../${outside.split('/').at(-1)}/secret`, join(folder, 'relative'));
    for (const name of ['absolute', 'relative', 'folder/secret', '../x', '/../x', '', '/', 'a\0']) {
      expect(await codeOf(folder, name)).toBe('DIMGX_SOURCE_UNSAFE_PATH');
    }
    // A slash in front means the folder itself.
    expect(await contentsOf(folder, join(outside, 'secret'))).toBeUndefined();
  });

  test('do not lie in a folder whose name only begins the same', async () => {
    const folder = await writeFolder({
      'x/y': '',
      'xy/secret': 's',
      'x/link': { type: 'symlink', linkname: '../xy/secret' },
    });
    expect(await codeOf(join(folder, 'x'), 'link')).toBe('DIMGX_SOURCE_UNSAFE_PATH');
  });

  test('are regular files: FIFOs are not waited for, folders and devices not read', async () => {
    const folder = await writeFolder({ 'folder/x': '', dangling: { type: 'symlink', linkname: 'none' } });
    execFileSync('mkfifo', [join(folder, 'fifo')]);
    await symlink('fifo', join(folder, 'to-fifo'));
    await symlink('loop', join(folder, 'loop'));
    for (const name of ['fifo', 'to-fifo', 'folder', 'dangling', 'loop']) {
      expect(await codeOf(folder, name)).toBe('DIMGX_SOURCE_BAD_MEMBER');
    }
  });

  test('are found by what lies at the top', async () => {
    const folder = await writeFolder({ 'a/b': '' });
    await writeFile(join(folder, 'c'), '');
    expect([...(await (await DirectoryFiles.at(folder)).topNames())].sort()).toEqual(['a', 'c']);
  });
});
