import { createHash } from 'node:crypto';
import type { RawEntry } from '../helpers/raw-layer.js';
import type { Tree, TreeEntry } from '../helpers/tree.js';

/** A file, directory or anything else. Two names of one object are hard links. */
export interface Thing {
  type: string;
  mode: number;
  owner: string;
  mtime: string;
  target: string;
  device: string;
  xattrs: string;
  content: string;
  /** Of a directory. */
  readonly children: Map<string, Name>;
  /** Of a directory: no entry describes it. */
  implied: boolean;
  /** Of a directory: it has taken the place of something else, and nothing older shows through it. */
  fresh: boolean;
}

/** What a directory holds under a name. */
export interface Name {
  readonly thing: Thing;
  /** The layer that put it there. */
  readonly layer: number;
}

/** Says that an image has to be refused, by which code, and for which entry. */
export class Refusal extends Error {
  readonly code: string;
  entry: number;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
    this.entry = -1;
  }
}

const TYPES: Readonly<Record<string, string>> = {
  '\0': 'file',
  '0': 'file',
  '2': 'symlink',
  '3': 'character device',
  '4': 'block device',
  '5': 'directory',
  '6': 'fifo',
  '7': 'file',
};

/**
 * The rules of how layers apply, as plainly as they can be put: objects and maps, one layer after the other, each read
 * twice, first for what it removes from the older ones, then for what it brings.
 */
export class Model {
  root = newDirectory();
  #layer = -1;
  #followed = 0;

  /** @throws Refusal */
  apply(entries: readonly RawEntry[]): void {
    this.#layer++;
    const blocked: string[] = [];
    entries.forEach((entry, i) => {
      if (markerOf(entry) !== undefined) this.#applyMarker(entries.slice(0, i), entry, blocked);
    });
    entries.forEach((entry, i) => {
      if (markerOf(entry) !== undefined) return;
      try {
        this.#applyEntry(entry);
      } catch (refusal) {
        if (refusal instanceof Refusal) refusal.entry = i;
        throw refusal;
      }
    });
    for (const path of blocked) {
      const [directory, base] = [this.find(parentOf(path)), baseOf(path)];
      const there = directory?.children.get(base);
      if (there && there.layer < this.#layer && there.thing.type !== 'directory') this.#imply(directory as Thing, base);
    }
    for (const name of AUFS) this.root.children.delete(name);
  }

  /** The tree as it is. Without an entry for the root there is no `.`. */
  tree(): Tree {
    const tree = new Map<string, TreeEntry>();
    const names = new Map<Thing, string[]>();
    if (!this.root.implied) tree.set('.', fieldsOf(this.root, ''));
    walk(this.root, '', (path, { thing }) => {
      if (thing.type !== 'directory') names.set(thing, [...(names.get(thing) ?? []), path].sort());
    });
    walk(this.root, '', (path, { thing }) => {
      const linked = names.get(thing) ?? [];
      tree.set(path, fieldsOf(thing, linked.length > 1 ? (linked[0] as string) : ''));
    });
    return tree;
  }

  /** Where a marker acts: the path of its directory, symlinks that this layer made before it followed. */
  markerDirectory(before: readonly RawEntry[], marker: RawEntry): string {
    const symlinks = new Map<string, string>();
    for (const entry of before) {
      if (entry.type === '2') symlinks.set(pathOf(entry), entry.link ?? '');
      else symlinks.delete(pathOf(entry));
    }
    const todo = parentOf(pathOf(marker)).split('/');
    const done: string[] = [];
    for (let followed = 0; todo.length > 0; ) {
      const part = todo.shift() as string;
      if (part === '' || part === '.') continue;
      if (part === '..') {
        done.pop();
        continue;
      }
      const target = symlinks.get([...done, part].join('/'));
      if (target === undefined) {
        done.push(part);
        continue;
      }
      if (++followed > 40) return parentOf(pathOf(marker));
      if (target.startsWith('/')) done.length = 0;
      todo.unshift(...target.split('/'));
    }
    return done.join('/');
  }

  /** The nearest thing on the way to a path that is no directory, or `undefined`. */
  blockOf(path: string): string | undefined {
    const parts = path === '' ? [] : path.split('/');
    let directory = this.root;
    for (let i = 0; i < parts.length; i++) {
      const child = directory.children.get(parts[i] as string)?.thing;
      if (child === undefined) return undefined;
      if (child.type !== 'directory') return parts.slice(0, i + 1).join('/');
      directory = child;
    }
    return undefined;
  }

  #applyMarker(before: readonly RawEntry[], marker: RawEntry, blocked: string[]): void {
    const kind = markerOf(marker);
    if (kind === 'none') return;
    const path = this.markerDirectory(before, marker);
    const block = this.blockOf(path);
    if (block !== undefined) blocked.push(block);
    const directory = block === undefined ? this.find(path) : undefined;
    if (kind === 'opaque') directory?.children.clear();
    else directory?.children.delete(hiddenName(marker));
  }

  #applyEntry(entry: RawEntry): void {
    const path = pathOf(entry);
    const type = typeOf(entry);
    if (path === '') {
      if (type !== 'directory') throw new Refusal('DIMGX_MERGE_BAD_ROOT', 'the root is not a directory');
      describe(this.root, entry);
      return;
    }
    const directory = this.#parent(path);
    const base = baseOf(path);
    const there = directory.children.get(base);
    if (type === 'directory') {
      if (there?.thing.type === 'directory') describe(there.thing, entry);
      else this.#put(directory, base, { ...describe(newDirectory(), entry), fresh: there !== undefined });
      return;
    }
    if (type !== 'hard link') {
      this.#put(directory, base, newThing(type, entry));
      return;
    }
    const target = this.#linkTarget(entry.longLink ?? paxOf(entry, 'linkpath') ?? entry.link ?? '');
    if (target === undefined) throw new Refusal('DIMGX_MERGE_BAD_LINK', 'no target');
    if (target.thing.type === 'directory') throw new Refusal('DIMGX_MERGE_BAD_LINK', 'a directory');
    if (target === there) throw new Refusal('DIMGX_MERGE_BAD_LINK', 'itself');
    directory.children.delete(base);
    if (!this.#holds(target)) throw new Refusal('DIMGX_MERGE_BAD_LINK', 'removed by the link itself');
    this.#put(directory, base, target.thing);
    target.thing.owner = ownerOf(entry);
    target.thing.mtime = mtimeOf(entry);
    if (target.thing.type !== 'symlink') target.thing.mode = modeOf(entry);
  }

  #holds(name: Name): boolean {
    let found = false;
    walk(this.root, '', (_, there) => {
      found ||= there === name;
    });
    return found;
  }

  #put(directory: Thing, base: string, thing: Thing): void {
    directory.children.set(base, { thing, layer: this.#layer });
  }

  #imply(directory: Thing, base: string): Thing {
    const thing = newDirectory();
    this.#put(directory, base, thing);
    return thing;
  }

  /** The directory of an entry, made where it is missing. */
  #parent(path: string): Thing {
    this.#followed = 0;
    let directory = this.root;
    for (const part of path.split('/').slice(0, -1)) {
      const child = directory.children.get(part);
      if (child === undefined) directory = this.#imply(directory, part);
      else if (child.thing.type === 'directory') directory = child.thing;
      else if (child.layer < this.#layer) directory = this.#imply(directory, part);
      else if (child.thing.type === 'symlink') directory = this.#follow(directory, child.thing);
      else throw new Refusal('DIMGX_MERGE_BAD_PARENT', 'a file of the same layer');
    }
    return directory;
  }

  #linkTarget(link: string): Name | undefined {
    this.#followed = 0;
    const path = cleaned(link);
    const parents = path.split('/').slice(0, -1);
    try {
      return path === '' ? undefined : this.#walk(this.root, parents)?.children.get(baseOf(path));
    } catch {
      return undefined;
    }
  }

  #follow(directory: Thing, symlink: Thing): Thing {
    if (++this.#followed > 40) throw new Refusal('DIMGX_MERGE_BAD_PARENT', 'a loop');
    const from = symlink.target.startsWith('/') ? this.root : directory;
    const found = this.#walk(from, symlink.target.split('/'));
    if (found === undefined) throw new Refusal('DIMGX_MERGE_BAD_PARENT', 'dangling');
    return found;
  }

  /** Goes through directories and symlinks, `..` stopping at the root. */
  #walk(from: Thing, parts: readonly string[]): Thing | undefined {
    let directory = from;
    for (const part of parts) {
      if (part === '' || part === '.') continue;
      if (part === '..') {
        directory = this.#directoryAbove(directory);
        continue;
      }
      const child = directory.children.get(part)?.thing;
      if (child?.type === 'directory') directory = child;
      else if (child?.type === 'symlink') directory = this.#follow(directory, child);
      else return undefined;
    }
    return directory;
  }

  #directoryAbove(directory: Thing): Thing {
    let above = this.root;
    const look = (at: Thing) => {
      for (const { thing } of at.children.values()) {
        if (thing === directory) above = at;
        else look(thing);
      }
    };
    look(this.root);
    return above;
  }

  /** The directory of a path without symlinks. */
  find(path: string): Thing | undefined {
    let thing: Thing | undefined = this.root;
    for (const part of path === '' ? [] : path.split('/')) thing = thing?.children.get(part)?.thing;
    return thing?.type === 'directory' ? thing : undefined;
  }
}

const AUFS = ['.wh..wh.aufs', '.wh..wh.plnk', '.wh..wh.orph'];

/** What an entry says of the older layers: `none` is a marker without effect, `undefined` no marker. */
export function markerOf(entry: RawEntry): 'whiteout' | 'opaque' | 'none' | undefined {
  const path = pathOf(entry);
  const base = baseOf(path);
  const isNullDevice = entry.type === '3' && (entry.device ?? [0, 0]).every((part) => part === 0);
  if (isNullDevice) return 'whiteout';
  if (!base.startsWith('.wh.')) return undefined;
  if (base === '.wh..wh..opq') return 'opaque';
  return AUFS.includes(path) || ['.wh.', '.wh..', '.wh...'].includes(base) ? 'none' : 'whiteout';
}

/** The name that a whiteout hides. */
export function hiddenName(whiteout: RawEntry): string {
  return baseOf(pathOf(whiteout)).replace(/^\.wh\./, '');
}

/** The path of an entry from the root, empty for the root. */
export function pathOf(entry: RawEntry): string {
  const prefixed = entry.prefix ? `${entry.prefix}/${entry.name}` : entry.name;
  return cleaned(entry.longName ?? paxOf(entry, 'path') ?? prefixed);
}

export function parentOf(path: string): string {
  return path.split('/').slice(0, -1).join('/');
}

export function baseOf(path: string): string {
  return path.split('/').at(-1) as string;
}

/** Visits all names below a directory, parents first. */
export function walk(directory: Thing, path: string, visit: (path: string, name: Name) => void): void {
  for (const [base, name] of directory.children) {
    const below = path === '' ? base : `${path}/${base}`;
    visit(below, name);
    walk(name.thing, below, visit);
  }
}

function cleaned(name: string): string {
  const kept: string[] = [];
  for (const part of name.split('/')) {
    if (part === '..') kept.pop();
    else if (part !== '' && part !== '.') kept.push(part);
  }
  return kept.join('/');
}

function typeOf(entry: RawEntry): string {
  const name = entry.longName ?? paxOf(entry, 'path') ?? entry.name;
  if (entry.type === '\0' && name.endsWith('/')) return 'directory';
  return entry.type === '1' ? 'hard link' : (TYPES[entry.type ?? '0'] as string);
}

function paxOf(entry: RawEntry, key: string): string | undefined {
  return entry.pax?.findLast((record) => record[0] === key)?.[1];
}

function modeOf(entry: RawEntry): number {
  return (entry.mode ?? 0o644) & 0o7777;
}

function ownerOf(entry: RawEntry): string {
  return `${paxOf(entry, 'uid') ?? entry.uid ?? 0}:${paxOf(entry, 'gid') ?? entry.gid ?? 0}`;
}

function mtimeOf(entry: RawEntry): string {
  const [whole = '0', fraction = ''] = (paxOf(entry, 'mtime') ?? String(entry.mtime ?? 0)).split('.');
  return `${whole}.${fraction.padEnd(9, '0')}`;
}

function xattrsOf(entry: RawEntry): string {
  const xattrs = new Map<string, string>();
  for (const [key, value] of entry.pax ?? []) {
    if (!key.startsWith('SCHILY.xattr.') || key.startsWith('SCHILY.xattr.trusted.overlay.')) continue;
    if (key.startsWith('SCHILY.xattr.user.') && !['file', 'directory'].includes(typeOf(entry))) continue;
    xattrs.set(key.slice('SCHILY.xattr.'.length), Buffer.from(value, 'latin1').toString('hex'));
  }
  return [...xattrs]
    .map(([key, hex]) => `${key}=0x${hex}`)
    .sort()
    .join(' ');
}

export function newDirectory(): Thing {
  return {
    ...{ type: 'directory', mode: 0o755, owner: '0:0', mtime: '0.000000000', target: '', device: '', xattrs: '' },
    ...{ content: '', children: new Map(), implied: true, fresh: false },
  };
}

/** Gives a directory all metadata of an entry. */
function describe(directory: Thing, entry: RawEntry): Thing {
  directory.mode = modeOf(entry);
  directory.owner = ownerOf(entry);
  directory.mtime = mtimeOf(entry);
  directory.xattrs = xattrsOf(entry);
  directory.implied = false;
  return directory;
}

function newThing(type: string, entry: RawEntry): Thing {
  const thing = describe(newDirectory(), entry);
  thing.type = type;
  if (type === 'symlink') {
    thing.mode = 0o777;
    thing.target = entry.longLink ?? paxOf(entry, 'linkpath') ?? entry.link ?? '';
  }
  if (type.endsWith('device')) thing.device = (entry.device ?? [0, 0]).join(':');
  if (type === 'file') thing.content = entry.content ?? '';
  return thing;
}

function fieldsOf(thing: Thing, sameFileAs: string): TreeEntry {
  const isFile = thing.type === 'file';
  return {
    type: thing.type,
    mode: thing.mode.toString(8).padStart(4, '0'),
    owner: thing.owner,
    size: isFile ? String(thing.content.length) : '',
    mtime: thing.mtime,
    target: thing.target,
    device: thing.device,
    xattrs: thing.xattrs,
    sameFileAs,
    sha256: isFile ? createHash('sha256').update(thing.content, 'latin1').digest('hex') : '',
  };
}
