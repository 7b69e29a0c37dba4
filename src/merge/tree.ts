import { randomInt } from 'node:crypto';
import { DimgxError } from '../errors.js';
import { withRoom } from '../layer/entry-table-builder.js';
import { SLASH } from '../tar/path.js';
import { Inodes } from './inodes.js';
import { Column, type EntryRef, KIND, NONE, type Node } from './node.js';

const REMOVED = 1;
const REDIRECTED = 2;

/**
 * Names and inodes of a root filesystem, without contents. Nodes are found by directory and name in one open-addressing
 * hash table. Removing a node takes the same time however much is below it: what is under a removed directory is
 * unreachable, because a new directory with that name is a different node.
 */
export class Tree {
  readonly #parent: Column;
  readonly #nameEnd: Column;
  readonly #kind: Column;
  readonly #state: Column;
  /** The layer that made the node or last gave it an entry. */
  readonly #layer: Column;
  readonly #entry: Column;
  readonly #inode: Column;
  #names: Uint8Array<ArrayBufferLike> = new Uint8Array(4096);
  #slots: Int32Array;
  #used = 0;
  /** Node count at which `add` fails. */
  readonly maxNodes: number;
  /** Random, so that nobody can craft names that all fall into one slot. */
  readonly #seed = randomInt(2 ** 31);

  readonly #hashed = { directory: NONE, bytes: this.#names, start: 0, end: 0, hash: 0 };

  readonly inodes = new Inodes();

  root: Node;
  /** Number of nodes removed so far. While it is unchanged, earlier lookups stay valid. */
  removals = 0;

  /**
   * @param expected expected number of nodes, for the initial size
   * @param maxNodes node count at which `add` fails
   */
  constructor(expected: number, maxNodes: number) {
    this.maxNodes = maxNodes;
    [this.#parent, this.#nameEnd, this.#kind, this.#state, this.#layer, this.#entry, this.#inode] = Array.from(
      { length: 7 },
      () => new Column(expected),
    ) as [Column, Column, Column, Column, Column, Column, Column];
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(Math.max(16, expected * 1.5)))).fill(NONE);
    this.root = this.#push(NONE, new Uint8Array(0), 0, 0, KIND.directory, { layer: NONE, entry: NONE }, NONE);
  }

  get length(): number {
    return this.#parent.length;
  }

  parent(node: Node): Node {
    return this.#parent.get(node);
  }

  kind(node: Node): number {
    return this.#kind.get(node);
  }

  /** The entry that a directory takes its metadata from, or that made any other node. */
  ref(node: Node): EntryRef {
    return { layer: this.#layer.get(node), entry: this.#entry.get(node) };
  }

  layer(node: Node): number {
    return this.#layer.get(node);
  }

  entry(node: Node): number {
    return this.#entry.get(node);
  }

  /** `NONE` for directories. */
  inode(node: Node): number {
    return this.#inode.get(node);
  }

  isRemoved(node: Node): boolean {
    return (this.#state.get(node) & REMOVED) !== 0;
  }

  /** Whether the node or a directory above it has been removed. */
  isUnreachable(node: Node): boolean {
    for (let at = node; at !== NONE; at = this.parent(at)) if (this.isRemoved(at)) return true;
    return false;
  }

  /** Whether its entry's path went through a symlink, and so differs from the node's path. */
  isRedirected(node: Node): boolean {
    return (this.#state.get(node) & REDIRECTED) !== 0;
  }

  name(node: Node): Uint8Array {
    return this.#names.subarray(this.#nameStart(node), this.#nameEnd.get(node));
  }

  /**
   * Byte of a name, or -1 after its end: names that are compared so are in the order of `memcmp`, shorter ones first.
   */
  nameByte(node: Node, index: number): number {
    const at = this.#nameStart(node) + index;
    return at < this.#nameEnd.get(node) ? (this.#names[at] as number) : -1;
  }

  /** Number of bytes that two names have in common at their start; at least `from`, which the caller knows. */
  commonPrefix(one: Node, other: Node, from: number): number {
    const names = this.#names;
    const start = this.#nameStart(one);
    const end = this.#nameEnd.get(one);
    const otherEnd = this.#nameEnd.get(other);
    let at = start + from;
    for (let i = this.#nameStart(other) + from; at < end && i < otherEnd && names[at] === names[i]; i++) at++;
    return at - start;
  }

  /** Hash of a name and of the number of its directory, which may be another one than the node is in. */
  nameHash(node: Node, directory: number): number {
    return hash(this.#seed ^ directory, this.#names, this.#nameStart(node), this.#nameEnd.get(node));
  }

  isSameName(one: Node, other: Node): boolean {
    return this.#isName(one, this.#names, this.#nameStart(other), this.#nameEnd.get(other));
  }

  /** Path from the root, without a slash at either end. */
  path(node: Node): Buffer {
    const path = Buffer.allocUnsafe(this.pathLength(node));
    let end = path.length;
    for (let at = node; this.parent(at) !== NONE; at = this.parent(at)) {
      if (end < path.length) path[--end] = SLASH;
      for (let i = this.#nameEnd.get(at) - 1, start = this.#nameStart(at); i >= start; i--) {
        path[--end] = this.#names[i] as number;
      }
    }
    return path;
  }

  /** Length of `path`, in bytes. */
  pathLength(node: Node): number {
    let length = 0;
    for (let at = node; this.parent(at) !== NONE; at = this.parent(at)) {
      length += this.#nameEnd.get(at) - this.#nameStart(at) + 1;
    }
    return Math.max(0, length - 1);
  }

  /** The node with that name in a directory, or `NONE`. The name is at `[start, end)` in `bytes`. */
  lookup(directory: Node, bytes: Uint8Array, start: number, end: number): Node {
    const node = this.#slots[this.#slot(directory, bytes, start, end)] as number;
    return node === NONE || this.isRemoved(node) ? NONE : node;
  }

  /**
   * Adds a node. If one with that name exists, it must have been removed.
   *
   * @throws DIMGX_LIMIT_ENTRIES
   */
  add(
    directory: Node,
    bytes: Uint8Array,
    start: number,
    end: number,
    kind: number,
    ref: EntryRef,
    inode: number,
  ): Node {
    if (this.length >= this.maxNodes) {
      const message = `the image has more than ${this.maxNodes} files and directories`;
      throw new DimgxError('DIMGX_LIMIT_ENTRIES', message);
    }
    if (this.#used * 4 >= this.#slots.length * 3) this.#growSlots();
    const slot = this.#slot(directory, bytes, start, end);
    if (this.#slots[slot] === NONE) this.#used++;
    const node = this.#push(directory, bytes, start, end, kind, ref, inode);
    this.#slots[slot] = node;
    return node;
  }

  /** Removes a node and everything below it. Other names of its inode stay. */
  remove(node: Node): void {
    this.removals++;
    this.#state.set(node, this.#state.get(node) | REMOVED);
  }

  /** Gives a directory the metadata of an entry. */
  define(node: Node, ref: EntryRef): void {
    this.#layer.set(node, ref.layer);
    this.#entry.set(node, ref.entry);
    this.#state.set(node, this.#state.get(node) & ~REDIRECTED);
  }

  redirect(node: Node): void {
    this.#state.set(node, this.#state.get(node) | REDIRECTED);
  }

  /** Removes everything below a directory. Returns the new node that replaces the directory. */
  empty(directory: Node): Node {
    const ref = this.ref(directory);
    if (directory === this.root) {
      this.remove(directory);
      this.root = this.#push(NONE, new Uint8Array(0), 0, 0, KIND.directory, ref, NONE);
      return this.root;
    }
    const name = this.name(directory).slice();
    const redirected = this.isRedirected(directory);
    this.remove(directory);
    const fresh = this.add(this.parent(directory), name, 0, name.length, KIND.directory, ref, NONE);
    if (redirected) this.redirect(fresh);
    return fresh;
  }

  /** For each node, 1 if neither it nor a directory above it has been removed. */
  survivors(): Uint8Array {
    const alive = new Uint8Array(this.length);
    for (let node = 0; node < alive.length; node++) {
      const parent = this.parent(node);
      alive[node] = !this.isRemoved(node) && (parent === NONE || alive[parent] === 1) ? 1 : 0;
    }
    return alive;
  }

  #nameStart(node: Node): number {
    return node === 0 ? 0 : this.#nameEnd.get(node - 1);
  }

  #push(parent: Node, bytes: Uint8Array, start: number, end: number, kind: number, ref: EntryRef, inode: number): Node {
    const node = this.length;
    const nameStart = this.#nameStart(node);
    const nameEnd = nameStart + end - start;
    if (nameEnd > this.#names.length) {
      this.#names = withRoom(this.#names, nameEnd, 'the names in the image take over 2 GiB');
    }
    for (let i = start, to = nameStart; i < end; i++, to++) this.#names[to] = bytes[i] as number;
    this.#parent.push(parent);
    this.#nameEnd.push(nameEnd);
    this.#kind.push(kind);
    this.#state.push(0);
    this.#layer.push(ref.layer);
    this.#entry.push(ref.entry);
    this.#inode.push(inode);
    return node;
  }

  /** The slot of the last node with that name in that directory, or the free slot where it belongs. */
  #slot(directory: Node, bytes: Uint8Array, start: number, end: number): number {
    const mask = this.#slots.length - 1;
    let slot = this.#hash(directory, bytes, start, end) & mask;
    for (;;) {
      const node = this.#slots[slot] as number;
      if (node === NONE || (this.#parent.get(node) === directory && this.#isName(node, bytes, start, end))) return slot;
      slot = (slot + 1) & mask;
    }
  }

  /** A name that is looked up is usually added next, so its hash is kept. */
  #hash(directory: Node, bytes: Uint8Array, start: number, end: number): number {
    const last = this.#hashed;
    if (last.bytes !== bytes || last.start !== start || last.end !== end || last.directory !== directory) {
      last.directory = directory;
      last.bytes = bytes;
      last.start = start;
      last.end = end;
      last.hash = hash(this.#seed ^ directory, bytes, start, end);
    }
    return last.hash;
  }

  #isName(node: Node, bytes: Uint8Array, start: number, end: number): boolean {
    const own = this.#nameStart(node);
    if (this.#nameEnd.get(node) - own !== end - start) return false;
    for (let i = start, at = own; i < end; i++, at++) if (bytes[i] !== this.#names[at]) return false;
    return true;
  }

  #growSlots(): void {
    const old = this.#slots;
    this.#slots = new Int32Array(old.length * 2).fill(NONE);
    for (const node of old) {
      if (node === NONE) continue;
      this.#slots[this.#slot(this.parent(node), this.#names, this.#nameStart(node), this.#nameEnd.get(node))] = node;
    }
  }
}

/**
 * FNV-1a over the name, starting from the directory and the seed, then mixed so that the low bits depend on all bits.
 */
function hash(basis: number, bytes: Uint8Array, start: number, end: number): number {
  let h = Math.imul(basis ^ 0x811c9dc5, 0x01000193);
  for (let i = start; i < end; i++) h = Math.imul(h ^ (bytes[i] as number), 0x01000193);
  h ^= h >>> 15;
  h = Math.imul(h, 0x85ebca6b);
  return h ^ (h >>> 13);
}
