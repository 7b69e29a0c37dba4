import type { IndexedLayer } from '../layer/layer-index.js';
import { Column, NONE, type Node } from './node.js';
import type { Changes, HeaderChange } from './plan.js';
import type { Tree } from './tree.js';

/**
 * Changes of items, stored by node. Paths are built on demand: those of deep directories implied by a few entries would
 * take far more memory than the layers.
 */
export class HeaderChanges implements Changes {
  readonly #tree: Tree;
  readonly #layers: readonly IndexedLayer[];
  readonly #pathOf: (node: Node) => Buffer;
  /** Per item: its node, the node it is linked to, and the inode whose metadata it gets; each may be `NONE`. */
  readonly #node = new Column(1024);
  readonly #link = new Column(1024);
  readonly #inode = new Column(1024);
  #size = 0;

  /**
   * @param layers oldest first
   * @param pathOf the path to write for a node. Default: its own
   */
  constructor(tree: Tree, layers: readonly IndexedLayer[], pathOf: (node: Node) => Buffer = (node) => tree.path(node)) {
    this.#tree = tree;
    this.#layers = layers;
    this.#pathOf = pathOf;
  }

  get size(): number {
    return this.#size;
  }

  /** Records the next item. `node` is `NONE` if the item is unchanged. */
  push(node: Node, link: Node, inode: number): void {
    if (node !== NONE) this.#size++;
    this.#node.push(node);
    this.#link.push(link);
    this.#inode.push(inode);
  }

  has(item: number): boolean {
    return this.#node.get(item) !== NONE;
  }

  isLink(item: number): boolean {
    return this.#link.get(item) !== NONE;
  }

  get(item: number): HeaderChange | undefined {
    if (!this.has(item)) return undefined;
    const link = this.#link.get(item);
    const inode = this.#inode.get(item);
    const xattrsOf = this.xattrsOf(item);
    return {
      path: this.#pathOf(this.#node.get(item)),
      ...(link !== NONE && { link: this.#pathOf(link) }),
      ...(inode !== NONE && { metadata: this.#metadata(inode) }),
      ...(xattrsOf.length > 0 && { xattrsOf }),
    };
  }

  xattrsOf(item: number): NonNullable<HeaderChange['xattrsOf']> {
    const inode = this.#inode.get(item);
    if (inode === NONE || this.#link.get(item) !== NONE || !this.#tree.inodes.hasXattrs(inode)) return [];
    const newest = this.#layers.length - 1;
    return this.#tree.inodes.xattrRefs(inode).map(({ layer, entry }) => ({ layer: newest - layer, entry }));
  }

  #metadata(inode: number) {
    const { metadataLayer, metadataEntry } = this.#tree.inodes;
    return (this.#layers[metadataLayer.get(inode)] as IndexedLayer).entries.metadata(metadataEntry.get(inode));
  }
}
