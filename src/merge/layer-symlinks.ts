import { MAX_SYMLINKS } from '../base/limits.js';
import type { EntryTable } from '../layer/entry-table.js';
import { TYPE } from '../tar/header.js';
import { componentEnd, DOT, SLASH } from '../tar/path.js';
import { KIND, NONE, type Node } from './node.js';
import { Tree } from './tree.js';
import type { FollowBudget } from './walk.js';

/**
 * The symlinks of a layer itself: a whiteout that follows them in the tar acts where they lead. Only built for layers
 * with markers. The symlinks have a tree of their own, so that resolving a path takes time proportional to its length.
 */
export class LayerSymlinks {
  readonly #entries: EntryTable;
  readonly #tree: Tree;
  readonly #follows: FollowBudget;
  /** Entries before this one have been read. */
  #read = 0;

  /** @param maxNodes maximum number of folders and symlinks */
  constructor(entries: EntryTable, maxNodes: number, follows: FollowBudget) {
    this.#entries = entries;
    this.#tree = new Tree(16, maxNodes);
    this.#follows = follows;
  }

  /**
   * @param directory a cleaned path
   * @param before only symlinks of entries before this one count; must not be lower than in the previous call
   * @returns the path with symlinks followed; the path unchanged if they form a loop
   * @throws DIMGX_ENTRY_BAD_PARENT, DIMGX_LIMIT_ENTRIES
   */
  resolve(directory: Uint8Array, before: number): Uint8Array {
    for (; this.#read < before; this.#read++) this.#note(this.#read);
    if (this.#tree.length === 1) return directory;
    const todo = [{ path: directory, at: 0 }];
    const done: Uint8Array[] = [];
    const nodes: Node[] = [this.#tree.root];
    for (let followed = 0; todo.length > 0; ) {
      const current = todo.at(-1) as { path: Uint8Array; at: number };
      const { path, at } = current;
      if (at >= path.length) {
        todo.pop();
        continue;
      }
      const end = componentEnd(path, at);
      current.at = end + 1;
      if (isDots(path, at, end)) {
        if (end - at === 2 && done.pop()) nodes.pop();
        continue;
      }
      const above = nodes.at(-1) as Node;
      const node = above === NONE ? NONE : this.#tree.lookup(above, path, at, end);
      if (node === NONE && path === directory) {
        // no symlinks below
        done.push(path.subarray(at));
        break;
      }
      const entry = node === NONE ? NONE : this.#tree.entry(node);
      if (entry === NONE) {
        done.push(path.subarray(at, end));
        nodes.push(node);
        continue;
      }
      if (++followed > MAX_SYMLINKS) return directory;
      const target = this.#entries.link(entry);
      this.#follows.spend(target);
      if (target[0] === SLASH) {
        done.length = 0;
        nodes.length = 1;
      }
      todo.push({ path: target, at: 0 });
    }
    return joined(done);
  }

  /** If several entries have the same path, the last one counts. */
  #note(i: number): void {
    const isSymlink = this.#entries.type(i) === TYPE.symlink;
    if (!isSymlink && this.#tree.length === 1) return;
    const path = this.#entries.path(i);
    const ref = { layer: 0, entry: NONE };
    let node = this.#tree.root;
    for (let at = 0; at < path.length; ) {
      const end = componentEnd(path, at);
      const next = this.#tree.lookup(node, path, at, end);
      if (next === NONE && !isSymlink) return;
      node = next === NONE ? this.#tree.add(node, path, at, end, KIND.directory, ref, NONE) : next;
      at = end + 1;
    }
    this.#tree.define(node, isSymlink ? { layer: 0, entry: i } : ref);
  }
}

/** Empty, `.` or `..`. */
function isDots(path: Uint8Array, at: number, end: number): boolean {
  if (end - at > 2) return false;
  for (let i = at; i < end; i++) if (path[i] !== DOT) return false;
  return true;
}

/** Copies byte by byte: a part is usually only a few bytes long, for which a call costs more. */
function joined(parts: readonly Uint8Array[]): Uint8Array {
  const path = new Uint8Array(
    Math.max(
      0,
      parts.reduce((sum, { length }) => sum + length + 1, -1),
    ),
  );
  let end = 0;
  for (const part of parts) {
    if (end > 0) path[end++] = SLASH;
    for (let i = 0; i < part.length; i++) path[end++] = part[i] as number;
  }
  return path;
}
