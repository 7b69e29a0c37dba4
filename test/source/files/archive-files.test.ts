import { closeSync, openSync } from 'node:fs';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { DescriptorFile } from '#dimgx/base/io/held-file.js';
import { Resources } from '#dimgx/base/io/resources.js';
import { DEFAULT_LIMITS } from '#dimgx/base/limits.js';
import { ArchiveFiles } from '#dimgx/source/files/archive-files.js';
import { PlainContents } from '#dimgx/source/files/plain-contents.js';
import { archiveOf, type Members, temporaryFolder, writeArchive } from '../../helpers/members.js';
import { bytesOf } from '../../helpers/opened.js';
import { GNU, rawEntry, rawTar } from '../../helpers/raw-tar.js';

async function filesOf(members: Members): Promise<ArchiveFiles> {
  return filesAt(await writeArchive(members));
}

async function filesAt(path: string): Promise<ArchiveFiles> {
  const fd = openSync(path, 'r');
  onTestFinished(() => closeSync(fd));
  const context = { resources: new Resources(), limits: DEFAULT_LIMITS };
  const archive = { file: new DescriptorFile({ fd }), offset: 0, length: (await stat(path)).size };
  return ArchiveFiles.scan(new PlainContents(archive, 'x.tar', context), 'x.tar');
}

async function filesIn(archive: Uint8Array): Promise<ArchiveFiles> {
  const path = join(await temporaryFolder(), 'x.tar');
  await writeFile(path, archive);
  return filesAt(path);
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
      hard: { type: 'link', linkname: '../x' },
      far: { type: 'symlink', linkname: '/a/../../x' },
      host: { type: 'symlink', linkname: '/x' },
    };
    for (const name of ['../x', '/../x', '/a/../../x', '', '/', '.', 'x\0', 'up', 'hard', 'far', 'host'])
      expect(await codeOf(members, name)).toBe('DIMGX_SOURCE_UNSAFE_PATH');
    for (const name of ['x', '/x']) expect(await contentsOf(members, name)).toBeUndefined();
  });

  test("are named from the archive's top by a slash in front, in their own names, in links and by those who ask", async () => {
    const members: Members = {
      '/a/file': 'x',
      '//b': 'y',
      'c/link': { type: 'symlink', linkname: '/a/file' },
      'c/hard': { type: 'link', linkname: '//b' },
      d: { type: 'symlink', linkname: '/a' },
    };
    for (const name of ['a/file', '/a/file', '//a/file', '/./a/file', '/c/link', 'd/file', '/d/../a/file'])
      expect(await contentsOf(members, name)).toBe('x');
    for (const name of ['b', '/b', 'c/hard']) expect(await contentsOf(members, name)).toBe('y');
  });

  test.each(['V', 'D', 'M', 'N', 'A', 'X', '9', '\x01', '\xff'])(
    'are those of the image: an entry of type %j is passed over, its contents with it',
    async (type) => {
      const odd = rawEntry({ name: 'file', type, magic: GNU }, rawEntry({ name: 'inside' }, 'y'));
      const files = await filesIn(rawTar(rawEntry({ name: 'file' }, 'x'), odd, rawEntry({ name: 'last' }, 'z')));
      expect([...(await files.topNames())].sort()).toEqual(['file', 'last']);
      const file = await files.open('file');
      expect(file && (await bytesOf(file.region)).toString()).toBe('x');
    },
  );

  test('may be stored as contiguous files', async () => {
    const file = await (await filesIn(rawTar(rawEntry({ name: 'file', type: '7' }, 'x')))).open('file');
    expect(file && (await bytesOf(file.region)).toString()).toBe('x');
  });

  test('that nobody asks for may have names that lead outside or are too long', async () => {
    const members: Members = { '../../x': 'x', [`${'n'.repeat(250)}/`.repeat(20)]: 'x', 'a\\b\u202e': 'x', file: 'y' };
    expect(await contentsOf(members, 'file')).toBe('y');
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
