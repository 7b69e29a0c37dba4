import { createHash } from 'node:crypto';
import type { Tree, TreeEntry } from '../helpers/tree.js';
import { type Entry, xattrsOf } from './decoded-entry.js';

/** A file, directory or anything else. Two names of one thing are hard links. */
export interface Thing {
  type: Entry['type'];
  mode: number;
  owner: string;
  mtime: string;
  target: string;
  device: string;
  xattrs: string;
  content: string;
  /** Of a directory. */
  readonly children: Map<string, Name>;
  /** Of a directory: some entry describes it. */
  described: boolean;
}

/** What a directory holds under a name. */
export interface Name {
  readonly thing: Thing;
  /** The layer that put it there. */
  readonly layer: number;
}

/** A directory that no entry describes (2.1). */
export function newDirectory(): Thing {
  const metadata = { mode: 0o755, owner: '0:0', mtime: '0.000000000', xattrs: '' };
  const nothing = { target: '', device: '', content: '' };
  return { type: 'directory', ...metadata, ...nothing, children: new Map(), described: false };
}

/** What an entry describes; into an existing directory it puts all metadata of its own (3). */
export function described(thing: Thing, entry: Entry): Thing {
  const { type, mode, owner, mtime, xattrs, target, device, content } = entry;
  return Object.assign(thing, { type, mode, owner, mtime, xattrs, target, device, content, described: true });
}

/** The xattrs of a thing with those that a hard link to it brings (8.5, 10). */
export function withXattrs(thing: Thing, { raw }: Entry): string {
  const own = thing.xattrs.split(' ').filter((xattr) => xattr !== '');
  const brought = xattrsOf(raw, thing.type)
    .split(' ')
    .filter((xattr) => xattr !== '');
  const byName = new Map([...own, ...brought].map((xattr) => [xattr.split('=')[0], xattr]));
  return [...byName.values()].sort().join(' ');
}

/** Visits all names below a directory, parents first. */
export function walk(directory: Thing, path: string, visit: (path: string, name: Name, above: Thing) => void): void {
  for (const [base, name] of directory.children) {
    const below = path === '' ? base : `${path}/${base}`;
    visit(below, name, directory);
    walk(name.thing, below, visit);
  }
}

/** As `listTree` would tell it. Without an entry for the root there is no `.`. */
export function treeOf(root: Thing): Tree {
  const names = new Map<Thing, string[]>();
  walk(root, '', (path, { thing }) => names.set(thing, [...(names.get(thing) ?? []), path].sort()));
  const tree = new Map<string, TreeEntry>();
  if (root.described) tree.set('.', fieldsOf(root, []));
  for (const [thing, linked] of names) for (const path of linked) tree.set(path, fieldsOf(thing, linked));
  return tree;
}

/** @param names of a file, sorted: all that it has */
export function fieldsOf(thing: Thing, names: readonly string[]): TreeEntry {
  const { type, owner, mtime, target, device, xattrs, content } = thing;
  const isFile = type === 'file';
  return {
    type,
    mode: thing.mode.toString(8).padStart(4, '0'),
    owner,
    size: isFile ? String(content.length) : '',
    mtime,
    target,
    device,
    xattrs,
    sameFileAs: names.length > 1 ? (names[0] as string) : '',
    sha256: isFile ? createHash('sha256').update(content, 'latin1').digest('hex') : '',
  };
}
