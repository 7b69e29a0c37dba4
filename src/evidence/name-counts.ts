import { NONE } from '../merge/node.js';
import type { Tree } from '../merge/tree.js';

/** In a byte: there are so many, or more. */
const MANY = 255;

/** How many of some nodes are names of each inode. Takes a byte for each inode: few have many names. */
export class NameCounts {
  readonly #few: Uint8Array;
  readonly #many = new Map<number, number>();

  constructor(tree: Tree, nodes: Int32Array) {
    this.#few = new Uint8Array(tree.inodes.length);
    for (const node of nodes) {
      const inode = tree.inode(node);
      if (inode !== NONE) this.#add(inode);
    }
  }

  of(inode: number): number {
    const few = this.#few[inode] as number;
    return few < MANY ? few : (this.#many.get(inode) as number);
  }

  #add(inode: number): void {
    const count = this.of(inode) + 1;
    this.#few[inode] = Math.min(count, MANY);
    if (count >= MANY) this.#many.set(inode, count);
  }
}
