import { execFileSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { DescriptorFile } from '#dimgx/file/descriptor-file.js';
import { ArchiveFiles } from '#dimgx/source/archive-files.js';
import { archiveOf, type Members, temporaryFolder, writeArchive } from '../helpers/members.js';
import { bytesOf } from '../helpers/opened.js';

async function filesOf(members: Members): Promise<ArchiveFiles> {
  return filesAt(await writeArchive(members));
}

async function filesAt(path: string): Promise<ArchiveFiles> {
  const fd = openSync(path, 'r');
  onTestFinished(() => closeSync(fd));
  return ArchiveFiles.scan({ file: new DescriptorFile({ fd }), offset: 0, length: (await stat(path)).size }, 'x.tar');
}

async function contentsOf(members: Members, name: string): Promise<string | undefined> {
  const file = await (await filesOf(members)).open(name);
  return file && (await bytesOf(file.region)).toString();
}

const codeOf = (members: Members, name: string) =>
  contentsOf(members, name).then(
    () => 'opened',
    (failure) => failure.code,
  );

describe('the members of an archive', () => {
  test('are opened by name, through links of files and folders', async () => {
    const members: Members = {
      'a/file': 'x',
      'b/link': { type: 'symlink', linkname: '../a/file' },
      hard: { type: 'link', linkname: './b/link' },
      c: { type: 'symlink', linkname: 'a' },
    };
    for (const name of ['a/file', './a//file', 'b/link', 'hard', 'c/file'])
      expect(await contentsOf(members, name)).toBe('x');
    expect(await contentsOf(members, 'none')).toBeUndefined();
  });

  test('of one name: the last counts', async () => {
    const members = [
      ['a', 'old'],
      ['./a', 'new'],
    ] as const;
    expect(await contentsOf(members, 'a')).toBe('new');
  });

  test('may have names longer than a header holds', async () => {
    const name = `${'n'.repeat(120)}/${'m'.repeat(200)}`;
    expect(await contentsOf({ [name]: 'x' }, name)).toBe('x');
  });

  test('do not lie outside', async () => {
    const members: Members = {
      '../x': 'x',
      up: { type: 'symlink', linkname: '../x' },
      far: { type: 'symlink', linkname: '/x' },
    };
    for (const name of ['../x', '/x', 'up', 'far'])
      expect(await codeOf(members, name)).toBe('DIMGX_SOURCE_UNSAFE_PATH');
    expect(await contentsOf(members, 'x')).toBeUndefined();
  });

  test('are regular files', async () => {
    const members: Members = {
      fifo: { type: 'fifo' },
      folder: { type: 'directory' },
      'a/loop': { type: 'symlink', linkname: '../b' },
      b: { type: 'symlink', linkname: 'a/loop' },
      self: { type: 'link', linkname: 'self' },
      dangling: { type: 'symlink', linkname: 'none/x' },
    };
    for (const name of ['fifo', 'folder', 'b', 'self', 'dangling']) {
      expect(await codeOf(members, name)).toBe('DIMGX_SOURCE_BAD_MEMBER');
    }
  });

  test.each(['posix', 'gnu'])(
    'that GNU tar stored sparse (%s) are refused: their bytes do not lie together',
    async (format) => {
      const folder = await temporaryFolder();
      await writeFile(join(folder, 'a'), 'x').then(() => truncate(join(folder, 'a'), 10_000_000));
      execFileSync('tar', ['-C', folder, '-S', `--format=${format}`, '-cf', join(folder, 'x.tar'), 'a']);
      await expect((await filesAt(join(folder, 'x.tar'))).open('a')).rejects.toMatchObject({
        code: 'DIMGX_SOURCE_BAD_MEMBER',
      });
    },
  );

  test('are told at the top by their first part', async () => {
    const files = await filesOf({ 'a/b': 'x', './a/c': 'y', d: 'z' });
    expect([...(await files.topNames())].sort()).toEqual(['a', 'd']);
  });

  test('are refused when there are more than an image could have', async () => {
    const header = (await archiveOf({ f: '' })).subarray(0, 512);
    const path = join(await temporaryFolder(), 'x.tar');
    await writeFile(path, Buffer.alloc(512 * 100_001, header));
    await expect(filesAt(path)).rejects.toMatchObject({ code: 'DIMGX_SOURCE_NOT_AN_IMAGE' });
  });
});
