import { chmod, mkdir, readdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lacks } from '../helpers/engines.js';
import { flattenLayers } from '../helpers/flatten-layers.js';
import { temporaryFolder } from '../helpers/members.js';
import { cannotMount } from '../helpers/mounts.js';
import type { RawEntry } from '../helpers/raw-layer.js';
import { runCommand } from '../helpers/run-command.js';
import { listTree } from '../helpers/tree.js';
import { AS_SOMEBODY, unpackElsewhere } from '../helpers/unpack-elsewhere.js';

const DAY = 1_700_000_000;
const MODES = [0o000, 0o100, 0o200, 0o300, 0o400, 0o500, 0o555, 0o600, 0o700, 0o777, 0o2755];

/** Directories of many modes in one another, with a file, a symlink and hard links in each. */
const ENTRIES: readonly RawEntry[] = MODES.flatMap((mode, i): RawEntry[] => {
  const [outer, inner] = [`${i}`, `${i}/in`];
  return [
    { name: outer, type: '5', mode, mtime: DAY + i },
    { name: `${outer}/soft`, type: '2', link: 'in/file', mtime: DAY },
    { name: inner, type: '5', mode: MODES.at(-1 - i) as number, mtime: DAY - i },
    { name: `${inner}/file`, content: `${i}`, mode, mtime: DAY },
    { name: `${inner}/soft`, type: '2', link: 'file', mtime: DAY },
    { name: `${inner}/z`, type: '1', link: `${inner}/file`, mode, mtime: DAY },
    { name: `hard${i}`, type: '1', link: `${inner}/file`, mode, mtime: DAY },
  ];
});

const TAR = flattenLayers([ENTRIES]).then(({ tar }) => tar);

/** A folder that everybody may write to. */
async function openFolder(): Promise<string> {
  const folder = await temporaryFolder();
  await chmod(folder, 0o777);
  return folder;
}

test.skipIf(lacks('root', 'setpriv'))(
  'a user without rights fills directories that nobody may fill, as tar does (needs root)',
  async () => {
    const folder = await openFolder();
    const dest = join(folder, 'copy');
    const script = 'umask 0; mkdir "$1" && tar --delay-directory-restore -xf - -C "$1"';
    const [command = '', ...args] = [...AS_SOMEBODY, 'sh', '-c', script, 'sh', join(folder, 'tar')];
    await runCommand(command, args, { cwd: '/', input: await TAR });
    expect(await unpackElsewhere(AS_SOMEBODY, await TAR, { dest })).toMatchObject({
      files: 33,
      directories: 22,
      symlinks: 22,
    });
    const rows = async (path: string) => {
      const tree = [...(await listTree(path))].filter(([name]) => name !== '.');
      return tree.map(([name, entry]) => [
        name,
        { ...entry, mode: entry.type === 'symlink' ? '' : entry.mode.replace(/^./, '0') },
      ]);
    };
    expect(await rows(dest)).toEqual(await rows(join(folder, 'tar')));
  },
);

test.skipIf(lacks('root', 'setpriv')).each(['0777', '0277', '0'])(
  'the umask changes nothing: %s (needs root)',
  async (umask) => {
    const folder = await openFolder();
    const dest = join(folder, 'copy');
    const withUmask = [...AS_SOMEBODY, 'sh', '-c', `umask ${umask}; exec "$@"`, 'sh'];
    expect(await unpackElsewhere(withUmask, await TAR, { dest })).toMatchObject({ files: 33 });
    const tree = await listTree(dest);
    const modes = MODES.map((_, i) => [tree.get(`${i}`)?.mode, tree.get(`${i}/in/file`)?.mode]);
    const octal = (mode: number) => (mode & 0o777).toString(8).padStart(4, '0');
    expect(modes).toEqual(MODES.map((mode) => [octal(mode), octal(mode)]));
  },
);

test.skipIf(lacks('root'))('a set-gid folder passes nothing on (needs root)', async () => {
  const folder = await temporaryFolder();
  await chmod(folder, 0o2777);
  expect(await unpackElsewhere(['env'], await TAR, { dest: join(folder, 'copy') })).toMatchObject({ files: 33 });
  const tree = await listTree(folder);
  expect(['copy', 'copy/9', 'copy/9/in'].map((path) => tree.get(path)?.mode)).toEqual(['0755', '0777', '0100']);
});

test.skipIf(lacks('root', 'setpriv'))(
  'a folder that may not be written is refused before anything is copied (needs root)',
  async () => {
    const folder = await temporaryFolder();
    await chmod(folder, 0o755);
    const message = `"${folder}/" cannot be written (EACCES: permission denied): choose another place`;
    const refusal = { code: 'DIMGX_TARGET_UNWRITABLE', message };
    expect(await unpackElsewhere(AS_SOMEBODY, await TAR, { dest: folder })).toEqual(refusal);
    expect(await unpackElsewhere(AS_SOMEBODY, await TAR, { dest: join(folder, 'new') })).toEqual(refusal);
  },
);

test.skipIf(lacks('root', 'setpriv'))(
  'a folder below that may not be written is named, and nothing is left (needs root)',
  async () => {
    const folder = await openFolder();
    await mkdir(join(folder, '9'), { mode: 0o755 });
    const { code, message } = await unpackElsewhere(AS_SOMEBODY, await TAR, { dest: folder });
    expect(code).toBe('DIMGX_TARGET_UNWRITABLE');
    expect(message).toBe(`"${folder}/9/in" cannot be written (EACCES: permission denied): choose another place`);
    expect(await readdir(folder, { recursive: true })).toEqual(['9']);
  },
);

test.skipIf(cannotMount())('where no file system tells of descriptors, the copy is the same (needs root)', async () => {
  const folder = await temporaryFolder();
  const without = ['unshare', '-m', 'sh', '-c', 'umount -l /proc && exec "$@"', 'sh'];
  for (const [dest, command] of [
    ['usual', ['env']],
    ['unusual', without],
  ] as const) {
    expect(await unpackElsewhere(command, await TAR, { dest: join(folder, dest) })).toMatchObject({ files: 33 });
  }
  const tree = async (name: string) => [...(await listTree(join(folder, name)))].filter(([path]) => path !== '.');
  expect(await tree('unusual')).toEqual(await tree('usual'));
});

test.skipIf(cannotMount())('there too, nothing goes through a symlink (needs root)', async () => {
  const folder = await temporaryFolder();
  for (const name of ['dest', 'outside']) await mkdir(join(folder, name));
  await symlink(join(folder, 'outside'), join(folder, 'dest/9'));
  const without = ['unshare', '-m', 'sh', '-c', 'umount -l /proc && exec "$@"', 'sh'];
  const { code } = await unpackElsewhere(without, await TAR, { dest: join(folder, 'dest') });
  expect(code).toBe('DIMGX_TARGET_UNWRITABLE');
  expect(await readdir(folder, { recursive: true })).toEqual(['dest', 'outside', 'dest/9']);
});
