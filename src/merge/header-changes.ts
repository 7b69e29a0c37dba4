import type { IndexedLayer } from '../layer/layer-index.js';
import { Column, NONE, type Node } from './node.js';
import type { Changes, HeaderChange } from './plan.js';
import type { Tree } from './tree.js';

/** In the column of links: the item is unchanged. */
const UNCHANGED = -2;

/**
 * Changes of items, stored by node. Paths are built on demand: those of deep directories implied by a few entries would
 * take far more memory than the layers.
 */
export class HeaderChanges implements Changes {
  readonly #tree: Tree;
  readonly #layers: readonly IndexedLayer[];
  readonly #pathOf: (node: Node) => Buffer;
  readonly #nodeOf: (item: number) => Node;
  /** Per item: the node it is linked to, and the inode whose metadata it gets; each may be `NONE`. */
  readonly #link = new Column(1024);
  readonly #inode = new Column(1024);
  #size = 0;

  /**
   * @param layers oldest first
   * @param nodeOf the node of an item
   * @param pathOf the path to write for a node. Default: its own
   */
  constructor(
    tree: Tree,
    layers: readonly IndexedLayer[],
    nodeOf: (item: number) => Node,
    pathOf: (node: Node) => Buffer = (node) => tree.path(node),
  ) {
    this.#tree = tree;
    this.#layers = layers;
    this.#nodeOf = nodeOf;
    this.#pathOf = pathOf;
  }

  get size(): number {
    return this.#size;
  }

  /** Records the next item as changed. */
  push(link: Node, inode: number): void {
    this.#size++;
    this.#link.push(link);
    this.#inode.push(inode);
  }

  /** Records the next item as unchanged. */
  pushUnchanged(): void {
    this.#link.push(UNCHANGED);
    this.#inode.push(NONE);
  }

  /** Gives back unused room, once all items are made. */
  trim(): void {
    this.#link.trim();
    this.#inode.trim();
  }

  has(item: number): boolean {
    return this.#link.get(item) !== UNCHANGED;
  }

  isLink(item: number): boolean {
    return this.#link.get(item) >= 0;
  }

  get(item: number): HeaderChange | undefined {
    if (!this.has(item)) return undefined;
    const link = this.#link.get(item);
    const inode = this.#inode.get(item);
    const xattrsOf = this.xattrsOf(item);
    return {
      path: this.#pathOf(this.#nodeOf(item)),
      ...(link !== NONE && { link: this.#pathOf(link) }),
      ...(inode !== NONE && { metadata: this.#metadata(inode) }),
      ...(xattrsOf.length > 0 && { xattrsOf }),
    };
  }

  xattrsOf(item: number): NonNullable<HeaderChange['xattrsOf']> {
    const inode = this.#inode.get(item);
    if (inode === NONE || this.isLink(item) || !this.#tree.inodes.hasXattrs(inode)) return [];
    const newest = this.#layers.length - 1;
    return this.#tree.inodes.xattrRefs(inode).map(({ layer, entry }) => ({ layer: newest - layer, entry }));
  }

  #metadata(inode: number) {
    const { metadataLayer, metadataEntry } = this.#tree.inodes;
    return (this.#layers[metadataLayer.get(inode)] as IndexedLayer).entries.metadata(metadataEntry.get(inode));
  }
}
