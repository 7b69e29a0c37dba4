import { FLAG } from '../inspect/entry-table.js';
import type { LayerIndex } from '../inspect/layer-index.js';
import { type Metadata, REWRITE } from '../tar/entry.js';
import { TYPE } from '../tar/header.js';
import { Column } from './column.js';
import type { HeaderChange } from './plan.js';
import { KIND, NONE, type Node, type Tree } from './tree.js';

/** Bits of the flag word that keep an entry from being copied as it stands. */
const CHANGES = REWRITE | FLAG.name;

const OWNER_AND_TIME = ['uid', 'gid', 'mtime', 'mtimeNanos'] as const;

/** Items in output order, as `Plan` has them. */
export interface OrderedItems {
  readonly layer: Column;
  readonly entry: Column;
  readonly changes: Map<number, HeaderChange>;
}

/**
 * Puts what survives into output order: layers newest to oldest, each in stored order, but a directory before what is
 * in it and a hard link after its contents, which go out under the inode's own name where that survives, else under
 * the first that does.
 *
 * @param layers oldest first
 * @param nodes for each layer and entry the node it made or defined
 */
export function orderItems(tree: Tree, layers: readonly LayerIndex[], nodes: readonly Column[]): OrderedItems {
  const order = new Ordering(tree, layers);
  order.emitRoot();
  for (let layer = layers.length - 1; layer >= 0; layer--) {
    const made = nodes[layer] as Column;
    for (let entry = 0; entry < made.length; entry++) order.emitEntry(layer, entry, made.get(entry));
  }
  order.emitImpliedDirectories();
  return order.items;
}

class Ordering {
  readonly #tree: Tree;
  readonly #layers: readonly LayerIndex[];
  readonly #alive: Uint8Array;
  readonly #emitted: Uint8Array;
  /** Of each inode the node whose item has the contents; `NONE` until that is out. */
  readonly #holder: Int32Array;
  /** Hard links that wait for their contents, by inode. */
  readonly #waiting = new Map<number, Node[]>();
  readonly items: OrderedItems = { layer: new Column(1024), entry: new Column(1024), changes: new Map() };

  constructor(tree: Tree, layers: readonly LayerIndex[]) {
    this.#tree = tree;
    this.#layers = layers;
    this.#alive = tree.survivors();
    this.#emitted = new Uint8Array(tree.length);
    this.#holder = new Int32Array(tree.inodes.contentNode.length).fill(NONE);
  }

  emitRoot(): void {
    if (this.#tree.entry(this.#tree.root) !== NONE) this.#emitDirectory(this.#tree.root);
  }

  emitEntry(layer: number, entry: number, node: Node): void {
    if (node === NONE || this.#alive[node] === 0 || this.#emitted[node] === 1) return;
    if (this.#tree.layer(node) !== layer || this.#tree.entry(node) !== entry) return;
    this.#emitParents(node);
    if (this.#tree.kind(node) === KIND.directory) this.#emitDirectory(node);
    else this.#emitName(node);
  }

  emitImpliedDirectories(): void {
    for (let node = 0; node < this.#alive.length; node++) {
      if (this.#alive[node] === 0 || this.#emitted[node] === 1 || this.#tree.kind(node) !== KIND.directory) continue;
      if (node === this.#tree.root) continue;
      this.#emitParents(node);
      this.#emitDirectory(node);
    }
  }

  #emitParents(node: Node): void {
    const missing: Node[] = [];
    for (let at = this.#tree.parent(node); at !== NONE && this.#emitted[at] === 0; at = this.#tree.parent(at)) {
      if (at !== this.#tree.root) missing.push(at);
    }
    for (const directory of missing.reverse()) this.#emitDirectory(directory);
  }

  #emitDirectory(node: Node): void {
    const { layer, entry } = this.#tree.ref(node);
    const mustChange = entry === NONE || this.#tree.isRedirected(node) || (this.#flags(layer, entry) & CHANGES) !== 0;
    this.#push(node, layer, entry, mustChange ? { path: this.#tree.path(node) } : undefined);
  }

  /** A name of an inode: its contents, or a hard link to them, now or when they are out. */
  #emitName(node: Node): void {
    const inode = this.#tree.inode(node);
    const own = this.#tree.inodes.contentNode.get(inode);
    const isHolder = this.#holder[inode] === NONE && (own === node || this.#alive[own] === 0);
    if (isHolder) {
      this.#holder[inode] = node;
      this.#emitContents(node, inode);
      const links = this.#waiting.get(inode);
      if (links) for (const link of links) this.#emitLink(link, inode);
    } else if (this.#holder[inode] !== NONE) {
      this.#emitLink(node, inode);
    } else {
      const links = this.#waiting.get(inode);
      if (links) links.push(node);
      else this.#waiting.set(inode, [node]);
    }
  }

  #emitContents(node: Node, inode: number): void {
    const layer = this.#tree.inodes.contentLayer.get(inode);
    const entry = this.#tree.inodes.contentEntry.get(inode);
    const isOwn = this.#tree.inodes.contentNode.get(inode) === node;
    const metadata = this.#otherMetadata(inode, layer, entry);
    const isChanged = !isOwn || this.#tree.isRedirected(node) || (this.#flags(layer, entry) & CHANGES) !== 0;
    const change = isChanged || metadata ? { path: this.#tree.path(node), ...(metadata && { metadata }) } : undefined;
    this.#push(node, layer, entry, change);
  }

  #emitLink(node: Node, inode: number): void {
    const { layer, entry } = this.#tree.ref(node);
    const target = this.#tree.path(this.#holder[inode] as Node);
    const stored = this.#entries(layer).link(entry);
    const metadata = this.#otherMetadata(inode, layer, entry);
    const flags = this.#flags(layer, entry);
    const isChanged = this.#tree.isRedirected(node) || (flags & (CHANGES | FLAG.link)) !== 0 || !target.equals(stored);
    const path = isChanged || metadata ? this.#tree.path(node) : undefined;
    this.#push(node, layer, entry, path && { path, link: target, ...(metadata && { metadata }) });
  }

  /** The inode's metadata, where the entry's own header has others. The mode of a symlink means nothing. */
  #otherMetadata(inode: number, layer: number, entry: number): Metadata | undefined {
    const { metadataLayer, metadataEntry } = this.#tree.inodes;
    if (metadataLayer.get(inode) === layer && metadataEntry.get(inode) === entry) return undefined;
    const wanted = this.#entries(metadataLayer.get(inode)).metadata(metadataEntry.get(inode));
    const own = this.#entries(layer).metadata(entry);
    const isSame = (key: keyof Metadata) => wanted[key] === own[key];
    const isSymlink = this.#entries(layer).type(entry) === TYPE.symlink;
    if ((isSymlink || isSame('mode')) && OWNER_AND_TIME.every(isSame)) return undefined;
    return isSymlink ? { ...wanted, mode: own.mode } : wanted;
  }

  #push(node: Node, layer: number, entry: number, change: HeaderChange | undefined): void {
    this.#emitted[node] = 1;
    if (change) this.items.changes.set(this.items.layer.length, change);
    this.items.layer.push(layer);
    this.items.entry.push(entry);
  }

  #entries(layer: number) {
    return (this.#layers[layer] as LayerIndex).entries;
  }

  #flags(layer: number, entry: number): number {
    return this.#entries(layer).flags(entry);
  }
}
