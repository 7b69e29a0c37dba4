import { chmod, lstat, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { placeForClosedFolders } from '../helpers/closed-folders.js';
import { flattenLayers } from '../helpers/flatten-layers.js';
import type { RawEntry } from '../helpers/raw-layer.js';
import { runCommand } from '../helpers/run-command.js';
import { listTree, type Tree, type TreeEntry } from '../helpers/tree.js';
import { unpack } from '../helpers/unpack.js';

const DAY = 1_700_000_000;

const ENTRIES: readonly RawEntry[] = [
  { name: './', type: '5', mode: 0o711, mtime: DAY + 11 },
  { name: 'bin', type: '2', link: 'usr/bin', mtime: DAY + 1 },
  { name: 'etc', type: '5', mode: 0o750, mtime: DAY },
  { name: 'etc/conf.d', type: '5', mode: 0o1777, mtime: DAY + 2 },
  { name: 'etc/conf.d/one', content: 'one\n', mtime: DAY + 3 },
  { name: 'etc/passwd', content: 'root:x:0:0\n', mode: 0o600, mtime: DAY + 4 },
  { name: 'etc/sealed', type: '5', mode: 0o555, mtime: DAY + 5 },
  { name: 'etc/sealed/note', content: 'kept', mode: 0o400, mtime: DAY + 6 },
  { name: 'etc/sealed/way', type: '2', link: '../passwd', mtime: DAY + 7 },
  { name: 'usr', type: '5', mode: 0o755, mtime: DAY },
  { name: 'usr/bin', type: '5', mode: 0o755, mtime: DAY + 8 },
  { name: 'usr/bin/su', content: 'elf', mode: 0o6755, mtime: DAY + 9, uid: 1234, gid: 5678 },
  { name: 'usr/bin/sudo', type: '1', link: 'usr/bin/su', mode: 0o6755, mtime: DAY + 9, uid: 1234, gid: 5678 },
  { name: 'usr/empty', mode: 0o644, mtime: DAY + 10 },
];

const tarOf = async (entries: readonly RawEntry[]) => (await flattenLayers([entries])).tar;

/** Every kind of path that can be copied. */
const TAR = tarOf(ENTRIES);

/** What a copy has of its original: owner, set-uid, set-gid and sticky are left out. */
function copied(tree: Tree): Readonly<Record<string, Partial<TreeEntry>>> {
  const of = ({ type, mode, mtime, target, sameFileAs, sha256 }: TreeEntry) => {
    const rights = type === 'symlink' ? '' : mode.replace(/^./, '0');
    return { type, mode: rights, mtime, target, sameFileAs, sha256 };
  };
  return Object.fromEntries([...tree].map(([path, entry]) => [path, of(entry)]));
}

/** A folder with an empty one in it, `there`. */
async function place(): Promise<string> {
  const folder = await placeForClosedFolders();
  await mkdir(join(folder, 'there'));
  return folder;
}

interface Case {
  readonly what: string;
  readonly sources: readonly string[];
  readonly dest: string;
  readonly parents?: boolean;
  /** Makes what is there before. */
  readonly before?: (folder: string) => Promise<unknown>;
}

const CASES: readonly Case[] = [
  { what: 'a directory', sources: ['etc'], dest: 'there' },
  { what: 'a directory, to a path with slashes', sources: ['etc'], dest: 'there//' },
  { what: 'a directory, under a new name', sources: ['etc'], dest: 'there/new' },
  { what: 'a directory, under a new name with a slash', sources: ['etc'], dest: 'new/' },
  { what: 'a file', sources: ['etc/passwd'], dest: 'there' },
  { what: 'a file, under a new name', sources: ['etc/passwd'], dest: 'there/-' },
  { what: 'a symlink', sources: ['bin'], dest: 'there' },
  { what: 'a symlink, under a new name', sources: ['bin'], dest: 'new' },
  { what: 'what is in a directory', sources: ['etc/.'], dest: 'there' },
  { what: 'what is in a directory, to a new one', sources: ['etc/.'], dest: 'new' },
  { what: 'everything', sources: ['.'], dest: 'there' },
  { what: 'everything, to a new directory', sources: ['.'], dest: 'new' },
  { what: 'several', sources: ['usr/bin', 'etc/passwd', 'etc/sealed/way'], dest: 'there' },
  { what: 'several names of a file', sources: ['usr/bin/sudo', 'usr/bin/su'], dest: 'there' },
  { what: 'whole paths', sources: ['etc/sealed/way', 'usr/bin', 'bin'], dest: 'there', parents: true },
  {
    what: 'to a symlink to a directory',
    ...{ sources: ['etc'], dest: 'way' },
    before: (folder) => symlink('there', join(folder, 'way')),
  },
  {
    what: 'into a directory of the same name',
    ...{ sources: ['etc'], dest: 'there' },
    before: async (folder) => {
      await mkdir(join(folder, 'there/etc/conf.d'), { recursive: true });
      await writeFile(join(folder, 'there/etc/conf.d/two'), 'of the host');
    },
  },
];

test.each(CASES)('copies as cp does: $what', async ({ sources, dest, parents = false, before }) => {
  const [ours, theirs, root] = [await place(), await place(), await placeForClosedFolders()];
  await runCommand('tar', ['-xpf', '-', '--numeric-owner'], { cwd: root, input: await TAR });
  for (const folder of [ours, theirs]) await before?.(folder);
  const old = new Set((await listTree(ours)).keys());
  const options = ['-r', '--preserve=timestamps,links', ...(parents ? ['--parents'] : [])];
  await runCommand('sh', ['-c', 'umask 0; cp "$@"', 'sh', ...options, '--', ...sources, join(theirs, dest)], {
    cwd: root,
  });
  await unpack(await TAR, { sources, dest: join(ours, dest), parents, piece: 1000 });
  const [got, wanted] = [copied(await listTree(ours)), copied(await listTree(theirs))];
  expect(Object.keys(got)).toEqual(Object.keys(wanted));
  const fresh = (tree: typeof got) => Object.entries(tree).filter(([path]) => !old.has(path));
  expect(fresh(got)).toEqual(fresh(wanted));
  expect(fresh(got).length).toBeGreaterThan(0);
});

test('tells what it has copied', async () => {
  const dest = await placeForClosedFolders();
  const counts = { files: 6, directories: 5, symlinks: 2, skipped: 0, bytes: 22, warnings: [] };
  expect(await unpack(await TAR, { dest })).toEqual(counts);
});

test('the caller owns the copies, and nobody gets special rights by them', async () => {
  const dest = await placeForClosedFolders();
  await unpack(await TAR, { dest });
  const { mode, uid, gid } = await stat(join(dest, 'usr/bin/su'));
  expect({ mode: mode & 0o7777, uid, gid }).toEqual({ mode: 0o755, uid: process.getuid?.(), gid: process.getgid?.() });
  expect((await stat(join(dest, 'etc/conf.d'))).mode & 0o7777).toBe(0o777);
});

test('an existing directory keeps its permissions and its time, if nothing is put into it', async () => {
  const dest = await placeForClosedFolders();
  await mkdir(join(dest, 'etc'));
  await writeFile(join(dest, 'etc/own'), '');
  await chmod(join(dest, 'etc'), 0o711);
  const before = await stat(join(dest, 'etc'));
  await unpack(await tarOf([{ name: 'etc', type: '5', mode: 0o777, mtime: DAY }]), { dest });
  const { mode, mtimeMs } = await stat(join(dest, 'etc'));
  expect({ mode, mtimeMs }).toEqual({ mode: before.mode, mtimeMs: before.mtimeMs });
});

test.each([
  ['the same name in two folders', ['/a/x', '/b/x'], /"\/a\/x" and "\/b\/x" would have the same name/],
  ['nothing', [], /at least one path/],
])('refuses %s', async (_, sources, message) => {
  const dest = await placeForClosedFolders();
  await expect(unpack(await TAR, { dest, sources })).rejects.toMatchObject({ code: 'DIMGX_OPTION_INVALID', message });
});

test('a path inside another one is copied with that one, once', async () => {
  const dest = await placeForClosedFolders();
  await unpack(await TAR, { dest, sources: ['/etc/passwd', '/etc', '/etc'] });
  expect(await readdir(dest)).toEqual(['etc']);
});

describe('devices and FIFOs', () => {
  const entries: readonly RawEntry[] = [
    { name: 'dev', type: '5', mode: 0o755 },
    { name: 'dev/null', type: '3', device: [1, 3] },
    { name: 'dev/pipe', type: '6' },
    { name: 'dev/zero', type: '1', link: 'dev/null' },
    { name: 'dev/log', content: 'a file' },
  ];

  test('are left out with their hard links, and one warning counts them', async () => {
    const dest = await placeForClosedFolders();
    const { skipped, warnings } = await unpack(await tarOf(entries), { dest });
    expect(await readdir(join(dest, 'dev'))).toEqual(['log']);
    expect(skipped).toBe(3);
    const message = `devices and FIFOs are not copied: "${dest}/dev/null"`;
    expect(warnings).toEqual([{ code: 'DIMGX_ENTRY_NOT_COPIED', message, count: 3 }]);
  });

  test('are not confused with files of their names', async () => {
    const dest = await placeForClosedFolders();
    await mkdir(join(dest, 'dev'));
    await writeFile(join(dest, 'dev/null'), 'of the host');
    expect((await unpack(await tarOf(entries), { dest, force: true })).skipped).toBe(3);
    expect((await readdir(join(dest, 'dev'))).sort()).toEqual(['log', 'null']);
    expect(await readFile(join(dest, 'dev/null'), 'utf8')).toBe('of the host');
  });
});

test('hard links to a symlink are links to it', async () => {
  const dest = await placeForClosedFolders();
  const entries: readonly RawEntry[] = [
    { name: 'a', type: '2', link: 'nowhere', mtime: DAY },
    { name: 'd', type: '5', mode: 0o755, mtime: DAY },
    { name: 'd/b', type: '1', link: 'a', mtime: DAY },
  ];
  expect(await unpack(await tarOf(entries), { dest })).toMatchObject({ files: 0, symlinks: 2 });
  const [first, second] = [await lstat(join(dest, 'a')), await lstat(join(dest, 'd/b'))];
  expect({ ino: second.ino, isLink: second.isSymbolicLink(), mtimeMs: second.mtimeMs }).toEqual({
    ino: first.ino,
    isLink: true,
    mtimeMs: DAY * 1000,
  });
  expect((await stat(join(dest, 'd'))).mtimeMs).toBe(DAY * 1000);
});

test.each([
  ['0', 0n],
  ['-3', -3_000_000_000n],
  ['-0.5', -500_000_000n],
  ['-1700000000.25', -1_700_000_000_250_000_000n],
  ['-1700000000.123456', -1_700_000_000_123_456_000n],
  ['1700000000.123456', 1_700_000_000_123_456_000n],
  ['1700000000.000001', 1_700_000_000_000_001_000n],
  ['1700000000.999999999', 1_700_000_000_999_999_999n],
  ['4102444800.999999', 4_102_444_800_999_999_000n],
])('a time is kept to less than a microsecond: %s', async (mtime, expected) => {
  const dest = await placeForClosedFolders();
  const pax = [['mtime', mtime]] as const;
  const entries: readonly RawEntry[] = [
    { name: 'd', type: '5', mode: 0o755, pax },
    { name: 'd/f', content: 'x', pax },
    { name: 'd/l', type: '2', link: 'f', pax },
  ];
  await unpack(await tarOf(entries), { dest });
  for (const path of ['d', 'd/f', 'd/l']) {
    const { mtimeNs } = await lstat(join(dest, path), { bigint: true });
    expect(Math.abs(Number(mtimeNs - expected))).toBeLessThan(1000);
    if (/^[^.]*(\.2?5)?$/.test(mtime)) expect(mtimeNs).toBe(expected);
  }
});

test('no microsecond is lost to rounding', async () => {
  const dest = await placeForClosedFolders();
  const micros = Array.from({ length: 200 }, (_, i) => i * 5003 + 7);
  const entries = micros.flatMap((micro): RawEntry[] => {
    const fraction = String(micro).padStart(6, '0');
    return ['', '-'].map((sign) => ({ name: `${sign}${micro}`, pax: [['mtime', `${sign}1700000000.${fraction}`]] }));
  });
  await unpack(await tarOf(entries), { dest });
  for (const micro of micros) {
    for (const sign of ['', '-']) {
      const { mtimeNs } = await lstat(join(dest, `${sign}${micro}`), { bigint: true });
      const wanted = BigInt(`${sign}1700000000${String(micro).padStart(6, '0')}000`);
      expect(Math.abs(Number(mtimeNs - wanted))).toBeLessThan(1000);
    }
  }
});
