import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { lstat, mkdir, readdir, readFile, readlink, rename, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { DimgxError } from '#dimgx/errors.js';
import { flattenLayers } from '../helpers/flatten-layers.js';
import { temporaryFolder } from '../helpers/members.js';
import type { RawEntry } from '../helpers/raw-layer.js';
import { listTree } from '../helpers/tree.js';
import { unpack } from '../helpers/unpack.js';

const tarOf = async (entries: readonly RawEntry[]) => (await flattenLayers([entries])).tar;

const TAR = tarOf([
  { name: 'd', type: '5', mode: 0o755 },
  { name: 'd/e', type: '5', mode: 0o755 },
  { name: 'd/e/file', content: 'new' },
  { name: 'd/e/hard', type: '1', link: 'd/e/file' },
  { name: 'd/e/soft', type: '2', link: 'file' },
  { name: 'zzz', content: 'last' },
]);

const KINDS: Readonly<Record<string, (path: string, outside: string) => Promise<void> | void>> = {
  file: (path) => writeFileSync(path, 'old'),
  'symlink to a file': (path, outside) => symlinkSync(join(outside, 'secret'), path),
  'symlink to a directory': (path, outside) => symlinkSync(outside, path),
  'dangling symlink': (path, outside) => symlinkSync(join(outside, 'nothing'), path),
  FIFO: (path) => void execFileSync('mkfifo', [path]),
  socket: async (path) => {
    const server = createServer().listen(path);
    onTestFinished(() => void server.close());
    await once(server, 'listening');
  },
  'directory with a file': (path) => {
    mkdirSync(path);
    writeFileSync(join(path, 'own'), 'old');
  },
};

const REPLACEABLE = ['file', 'symlink to a file', 'symlink to a directory', 'dangling symlink'];

/** A folder to unpack to, with something in it, and one beside it that nothing may happen to. */
async function around(path: string, kind: string) {
  const folder = await temporaryFolder();
  const [dest, outside] = [join(folder, 'dest'), join(folder, 'outside')];
  await mkdir(join(dest, path, '..'), { recursive: true });
  await mkdir(outside);
  await writeFile(join(outside, 'secret'), 'of the host');
  await KINDS[kind]?.(join(dest, path), outside);
  return { folder, dest, outside };
}

/** All but the times of folders. */
async function contentsOf(folder: string) {
  const tree = [...(await listTree(folder))];
  return tree.map(([path, entry]) => [path, entry.type === 'directory' ? { ...entry, mtime: '' } : entry]);
}

describe.each(Object.keys(KINDS))('a %s', (kind) => {
  const isFolder = kind === 'directory with a file';

  test.skipIf(isFolder).each([false, true])('where a directory must go is an error (force: %s)', async (force) => {
    for (const path of ['d', 'd/e']) {
      const { folder, dest } = await around(path, kind);
      const before = await contentsOf(folder);
      const failure = await unpack(await TAR, { dest, force }).catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: 'DIMGX_TARGET_UNWRITABLE', path: join(dest, path) });
      expect((failure as DimgxError).message).toMatch(/is a \w+, where a directory must go: choose another folder$/);
      expect(await contentsOf(folder)).toEqual(before);
    }
  });

  test.each(['d/e/file', 'd/e/hard', 'd/e/soft', 'zzz'])(
    'where %s must go is an error, and nothing is changed',
    async (path) => {
      const { folder, dest } = await around(path, kind);
      const before = await contentsOf(folder);
      const failure = await unpack(await TAR, { dest }).catch((error: unknown) => error);
      const code = REPLACEABLE.includes(kind) ? 'DIMGX_TARGET_EXISTS' : 'DIMGX_TARGET_UNWRITABLE';
      expect(failure).toMatchObject({ code, path: join(dest, path) });
      expect(await contentsOf(folder)).toEqual(before);
    },
  );

  test.each(['d/e/file', 'd/e/hard', 'd/e/soft', 'zzz'])(
    'where %s must go is replaced with force, if it is a file or a symlink',
    async (path) => {
      const { folder, dest, outside } = await around(path, kind);
      const before = await contentsOf(folder);
      if (!REPLACEABLE.includes(kind)) {
        await expect(unpack(await TAR, { dest, force: true })).rejects.toMatchObject({
          code: 'DIMGX_TARGET_UNWRITABLE',
        });
        expect(await contentsOf(folder)).toEqual(before);
        return;
      }
      await unpack(await TAR, { dest, force: true });
      expect((await readdir(dest, { recursive: true })).sort()).toEqual([
        'd',
        'd/e',
        'd/e/file',
        'd/e/hard',
        'd/e/soft',
        'zzz',
      ]);
      expect(await readFile(join(dest, 'd/e/soft'), 'utf8')).toBe('new');
      expect(await readlink(join(dest, 'd/e/soft'))).toBe('file');
      expect((await lstat(join(dest, 'd/e/hard'))).ino).toBe((await lstat(join(dest, 'd/e/file'))).ino);
      expect(await readFile(join(dest, 'zzz'), 'utf8')).toBe('last');
      expect(await readdir(outside)).toEqual(['secret']);
      expect(await readFile(join(outside, 'secret'), 'utf8')).toBe('of the host');
    },
  );
});

/** Deeper than folders are kept open. */
const DEEP = Array.from({ length: 40 }, (_, i) => i).join('/');

const SWAPPED: readonly {
  readonly what: string;
  readonly entries: readonly RawEntry[];
  readonly end: string;
  readonly endIfOld?: string;
}[] = [
  {
    what: 'a directory that is being filled',
    entries: [{ name: '0/00' }, { name: '0/b', content: 'x' }, { name: '0/c/d', content: 'y' }, { name: '0/z' }],
    end: 'copied',
  },
  {
    what: 'one that the way comes back to',
    entries: [{ name: '0/00' }, { name: `${DEEP}/b`, content: 'x' }, { name: '0/z', content: 'y' }],
    end: 'DIMGX_TARGET_UNWRITABLE',
  },
  {
    what: 'one that hard links lead through',
    entries: [{ name: '0/00' }, { name: '0/b', content: 'x' }, { name: '1', type: '1', link: '0/00' }],
    end: 'DIMGX_TARGET_UNWRITABLE',
  },
  {
    what: 'one that symlinks go into',
    entries: [{ name: '0/00' }, { name: '0/l', type: '2', link: 'a' }, { name: '1', content: 'x' }],
    end: 'DIMGX_TARGET_UNWRITABLE',
  },
  {
    what: 'one that gets its time at the end',
    entries: [{ name: '0', type: '5', mode: 0o600 }, { name: '0/00' }, { name: '1', content: 'x' }],
    end: 'DIMGX_TARGET_UNWRITABLE',
    endIfOld: 'copied',
  },
];

describe.each([
  ['a new folder', false],
  ['a folder that was there', true],
])('%s', (_, isOld) => {
  test.each(SWAPPED)(
    'a symlink that takes the place of $what leads nowhere',
    async ({ entries, end, endIfOld = end }) => {
      const folder = await temporaryFolder();
      const [dest, outside, away] = ['dest', 'outside', 'away'].map((name) => join(folder, name)) as [
        string,
        string,
        string,
      ];
      // The same folders are outside, so that nothing fails there.
      for (const path of [join(outside, DEEP.slice(2)), join(outside, 'c'), dest])
        await mkdir(path, { recursive: true });
      await writeFile(join(outside, '00'), 'of the host');
      if (isOld) await mkdir(join(dest, '0'));
      const before = await listTree(outside);
      let isSwapped = false;
      const onPiece = async () => {
        if (isSwapped || !existsSync(join(dest, '0/00'))) return;
        isSwapped = true;
        await rename(join(dest, '0'), away);
        await symlink(outside, join(dest, '0'));
      };
      const tar = await tarOf(entries);
      const ended = await unpack(tar, { dest, piece: 512, onPiece }).then(
        () => 'copied',
        (failure: unknown) => (failure as DimgxError).code,
      );
      expect({ isSwapped, ended }).toEqual({ isSwapped: true, ended: isOld ? endIfOld : end });
      expect(await listTree(outside)).toEqual(before);
    },
  );
});

/** Swaps a directory and a symlink to another one, for ever. */
const SWAPPER = `
import { renameSync, symlinkSync, unlinkSync, writeSync } from 'node:fs';
const [path, outside] = process.argv.slice(1);
writeSync(1, 'ready');
for (;;) {
  try {
    renameSync(path, path + '.away');
    symlinkSync(outside, path);
    unlinkSync(path);
    renameSync(path + '.away', path);
  } catch {}
}`;

test.each([
  ['a directory that was there', 'there'],
  ['a directory of the image', 'made'],
  ['one that is opened again, deep below', 'there/1/2/3/4/5/6/7/8/9'],
])('nothing is written through a symlink that takes the place of %s', async (_, swapped) => {
  const folder = await temporaryFolder();
  const [dest, outside] = [join(folder, 'dest'), join(folder, 'outside')];
  await mkdir(join(dest, 'there/1/2/3/4/5/6/7/8/9'), { recursive: true });
  await mkdir(outside);
  const deep = 'there/1/2/3/4/5/6/7/8/9/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r/s';
  const entries = ['made', 'there/new', deep].flatMap((parent) =>
    Array.from({ length: 8 }, (_, i): RawEntry[] => [
      { name: `${parent}/${i}/f`, content: 'x', mode: 0o644 },
      { name: `${parent}/${i}/h`, type: '1', link: `${parent}/0/f` },
      { name: `${parent}/${i}/s`, type: '2', link: 'f' },
    ]).flat(),
  );
  const tar = await tarOf(entries);
  const swapper = spawn(process.execPath, ['--input-type=module', '-e', SWAPPER, join(dest, swapped), outside]);
  try {
    await once(swapper.stdout, 'data');
    const ends = new Set<string>();
    for (let run = 0; run < 10; run++) {
      const end = await unpack(tar, { dest, force: true, piece: 2048, onPiece: nextTurn }).then(
        () => 'copied',
        (failure: unknown) => (failure as DimgxError).code,
      );
      ends.add(end);
    }
    expect([...ends].filter((end) => !/^(copied|DIMGX_TARGET_(UNWRITABLE|EXISTS))$/.test(end))).toEqual([]);
  } finally {
    swapper.kill('SIGKILL');
    await once(swapper, 'close');
  }
  expect(await readdir(outside)).toEqual([]);
});
