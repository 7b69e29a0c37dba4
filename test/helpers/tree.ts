import { createHash } from 'node:crypto';
import { type BigIntStats, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { listXattrs } from './xattrs.js';

export const TREE_FIELDS = [
  'type',
  'mode',
  'owner',
  'size',
  'mtime',
  'target',
  'device',
  'xattrs',
  'sameFileAs',
  'sha256',
] as const;

export type TreeField = (typeof TREE_FIELDS)[number];

/**
 * Everything that a tree on disk records about one path, as text. A field that the type does not have is empty.
 * `mtime` is in whole seconds (rounded down) and nanoseconds. `size` is only for regular files. `xattrs` is `name=HEX
 * …` sorted by name. `sameFileAs` is the first path (in byte order) among several hard links to one inode.
 */
export type TreeEntry = Readonly<Record<TreeField, string>>;

/** Entries by path from the root, which is `.`; each character is one byte of the name. */
export type Tree = ReadonlyMap<string, TreeEntry>;

/** Lists the tree at `root`. All of it must be readable: run as root, or list a tree of your own. */
export async function listTree(root: string): Promise<Tree> {
  const paths = walk(root, '.').sort();
  const xattrs = await listXattrs(root, paths);
  const firstNames = new Map<string, string>();
  const names = new Map<string, number>();
  const stats = new Map<string, BigIntStats>();
  for (const path of paths) {
    const found = lstatSync(onDisk(root, path), { bigint: true });
    stats.set(path, found);
    if (found.isDirectory()) continue;
    if (!firstNames.has(inodeOf(found))) firstNames.set(inodeOf(found), path);
    names.set(inodeOf(found), (names.get(inodeOf(found)) ?? 0) + 1);
  }
  const tree = new Map<string, TreeEntry>();
  for (const [path, found] of stats) {
    const disk = onDisk(root, path);
    const linked = (names.get(inodeOf(found)) ?? 0) > 1 && !found.isDirectory();
    const device = found.isCharacterDevice() || found.isBlockDevice();
    tree.set(path, {
      type: typeOf(found),
      mode: (found.mode & 0o7777n).toString(8).padStart(4, '0'),
      owner: `${found.uid}:${found.gid}`,
      size: found.isFile() ? String(found.size) : '',
      mtime: secondsOf(found.mtimeNs),
      target: found.isSymbolicLink() ? readlinkSync(disk, 'buffer').toString('latin1') : '',
      device: device ? deviceOf(found.rdev) : '',
      xattrs: xattrs.get(path) ?? '',
      sameFileAs: linked ? (firstNames.get(inodeOf(found)) ?? '') : '',
      sha256: found.isFile() ? createHash('sha256').update(readFileSync(disk)).digest('hex') : '',
    });
  }
  return tree;
}

/** A path, and every path below it. */
function walk(root: string, path: string): string[] {
  const paths = [path];
  for (const child of readdirSync(onDisk(root, path), { encoding: 'buffer', withFileTypes: true })) {
    const childPath = `${path === '.' ? '' : `${path}/`}${child.name.toString('latin1')}`;
    if (child.isCharacterDevice() && isWhiteout(root, childPath)) continue;
    if (child.isDirectory()) for (const below of walk(root, childPath)) paths.push(below);
    else paths.push(childPath);
  }
  return paths;
}

/** An overlay lists the whiteouts of a directory that exists in only one layer, but reports that they do not exist. */
function isWhiteout(root: string, path: string): boolean {
  return lstatSync(onDisk(root, path), { throwIfNoEntry: false }) === undefined;
}

function onDisk(root: string, path: string): Buffer {
  return Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path, 'latin1')]);
}

/**
 * An overlay keeps each file's inode number, but may give each layer its own device. The inode number alone identifies
 * a file there.
 */
function inodeOf(found: BigIntStats): string {
  return `${found.dev}:${found.ino}`;
}

function typeOf(found: BigIntStats): string {
  if (found.isFile()) return 'file';
  if (found.isDirectory()) return 'directory';
  if (found.isSymbolicLink()) return 'symlink';
  if (found.isFIFO()) return 'fifo';
  if (found.isCharacterDevice()) return 'character device';
  return found.isBlockDevice() ? 'block device' : 'socket';
}

/** Source: glibc, gnu_dev_major and gnu_dev_minor. */
function deviceOf(rdev: bigint): string {
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & ~0xfffn);
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & ~0xffn);
  return `${major}:${minor & 0xffffffffn}`;
}

function secondsOf(nanoseconds: bigint): string {
  const fraction = ((nanoseconds % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  return `${(nanoseconds - fraction) / 1_000_000_000n}.${String(fraction).padStart(9, '0')}`;
}
