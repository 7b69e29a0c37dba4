import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { unpackTar } from '#dimgx/unpack/unpack-tar.js';
import { temporaryFolder } from '../helpers/members.js';
import { rawLayer } from '../helpers/raw-layer.js';
import { unpack } from '../helpers/unpack.js';

const TAR = rawLayer([
  { name: './', type: '5', mode: 0o755 },
  { name: './d/', type: '5', mode: 0o755 },
  { name: './d/f', content: 'new' },
  { name: './f', content: 'new' },
]);

/** A folder with every kind of path that a target may be. */
async function place(): Promise<string> {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'there'));
  await writeFile(join(folder, 'file'), 'old');
  await symlink('file', join(folder, 'link'));
  await symlink('missing', join(folder, 'dangling'));
  await symlink('loop', join(folder, 'loop'));
  execFileSync('mkfifo', [join(folder, 'fifo')]);
  return folder;
}

const UNWRITABLE = 'DIMGX_TARGET_UNWRITABLE';
const EXISTS = 'DIMGX_TARGET_EXISTS';

interface Refusal {
  readonly dest: string;
  readonly sources?: readonly string[];
  readonly parents?: boolean;
  readonly force?: boolean;
  readonly code: string;
  /** After the target in quotes. */
  readonly says: string;
}

const REFUSALS: readonly Refusal[] = [
  { dest: 'file', code: EXISTS, says: 'exists' },
  { dest: 'link', code: EXISTS, says: 'exists' },
  { dest: 'dangling', code: EXISTS, says: 'exists' },
  { dest: 'fifo', code: UNWRITABLE, says: 'is a FIFO, where a file must go: choose another folder' },
  { dest: 'fifo', force: true, code: UNWRITABLE, says: 'is a FIFO, where a file must go: choose another folder' },
  {
    dest: 'loop',
    code: UNWRITABLE,
    says: 'cannot be written (ELOOP: too many symbolic links encountered): choose another place',
  },
  { dest: 'missing/new', code: UNWRITABLE, says: 'cannot be written: the folder "FOLDER/missing" does not exist' },
  { dest: 'dangling/', code: UNWRITABLE, says: 'is a symlink, where a directory must go: choose another folder' },
  { dest: 'file/new', code: UNWRITABLE, says: 'cannot be written (ENOTDIR: not a directory): choose another place' },
  { dest: 'missing/..', code: UNWRITABLE, says: 'does not exist: make the directory first' },
  { dest: 'missing', sources: ['d', 'f'], code: UNWRITABLE, says: 'does not exist as a directory: choose or make one' },
  { dest: 'missing', parents: true, code: UNWRITABLE, says: 'does not exist as a directory: choose or make one' },
  { dest: 'file', sources: ['d', 'f'], code: UNWRITABLE, says: 'is not a directory: choose or make one' },
];

test.each(REFUSALS)('before anything is copied, $dest is refused: $says', async ({ dest, code, says, ...given }) => {
  const folder = await place();
  const sources = (given.sources ?? ['d']).map((path) => ({ path: Buffer.from(path), name: Buffer.from(path) }));
  const message = expect.stringContaining(says.replace('FOLDER', folder));
  await expect(unpackTar({ ...given, sources, dest: `${folder}/${dest}` })).rejects.toMatchObject({ code, message });
  expect((await readdir(folder)).sort()).toEqual(['dangling', 'fifo', 'file', 'link', 'loop', 'there']);
});

test.each(['', 1, undefined, null])('a target that is no path is refused: %j', async (dest) => {
  const sources = [{ path: new Uint8Array(0), name: new Uint8Array(0) }];
  await expect(unpackTar({ dest: dest as string, sources })).rejects.toMatchObject({ code: 'DIMGX_OPTION_INVALID' });
});

test('a path with a NUL is refused', async () => {
  const sources = [{ path: new Uint8Array(0), name: new Uint8Array(0) }];
  await expect(unpackTar({ dest: 'a\0b', sources })).rejects.toMatchObject({ code: UNWRITABLE });
});

test.each(['file', 'link', 'dangling'])(
  'with force, a copy takes the place of %s, and of nothing else',
  async (name) => {
    const folder = await place();
    await unpack(TAR, { dest: join(folder, name), sources: ['/d/f'], force: true });
    expect(await readFile(join(folder, name), 'utf8')).toBe('new');
    if (name !== 'file') expect(await readFile(join(folder, 'file'), 'utf8')).toBe('old');
    expect((await readdir(folder)).sort()).toEqual(['dangling', 'fifo', 'file', 'link', 'loop', 'there']);
  },
);

test.each([
  ['file', '/d', 'is a file, where a directory must go: choose another folder'],
  ['new/', '/f', 'is to be a file, but the slash behind it stands for a directory'],
  ['there', '/f/.', 'is a directory: a file cannot take its place'],
])('what does not fit to the source is refused: %s for %s', async (dest, source, says) => {
  const folder = await place();
  const work = unpack(TAR, { dest: `${folder}/${dest}`, sources: [source], force: true });
  await expect(work).rejects.toMatchObject({ code: UNWRITABLE, message: expect.stringContaining(says) });
  expect((await readdir(folder, { recursive: true })).sort()).toEqual([
    'dangling',
    'fifo',
    'file',
    'link',
    'loop',
    'there',
  ]);
  expect(await readFile(join(folder, 'file'), 'utf8')).toBe('old');
});

test('paths may be relative, and are shown as they were given', async () => {
  const folder = await place();
  const shown = async (dest: string, sources: readonly string[]) => {
    const back = process.cwd();
    process.chdir(folder);
    try {
      await unpack(TAR, { dest, sources });
      return 'copied';
    } catch (failure) {
      return (failure as Error).message;
    } finally {
      process.chdir(back);
    }
  };
  expect(await shown('new', ['/d'])).toBe('copied');
  expect(await shown('./new', ['/d/.'])).toBe('"./new/f" exists');
  expect(await shown('new//', ['/d/f'])).toBe('"new//f" exists');
  expect(await shown('file', ['/d/f'])).toBe('"file" exists');
  expect(await shown('.', ['/f', '/d'])).toBe('copied');
});

test('an image without entries makes an empty directory', async () => {
  const folder = await temporaryFolder();
  await unpack(rawLayer([]), { dest: join(folder, 'new') });
  expect(await readdir(join(folder, 'new'))).toEqual([]);
});

test('a symlink on the way to the target is followed, and kept', async () => {
  const folder = await place();
  await symlink('there', join(folder, 'way'));
  await unpack(TAR, { dest: join(folder, 'way/new'), sources: ['/d'] });
  expect(await readdir(join(folder, 'there/new'))).toEqual(['f']);
  expect(await readlink(join(folder, 'way'))).toBe('there');
});
