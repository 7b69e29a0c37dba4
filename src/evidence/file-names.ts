import { NONE, type Node } from '../merge/node.js';
import type { Tree } from '../merge/tree.js';

/** Which of some nodes are names of each inode. Takes four bytes an inode and four a node. */
export class FileNames {
  readonly #nodes: Int32Array;
  /** For each inode, where in the nodes its first name is; for each of the nodes, where the next one is; or `NONE`. */
  readonly #first: Int32Array;
  readonly #next: Int32Array;

  constructor(tree: Tree, nodes: Int32Array) {
    this.#nodes = nodes;
    this.#first = new Int32Array(tree.inodes.length).fill(NONE);
    this.#next = new Int32Array(nodes.length).fill(NONE);
    for (let at = nodes.length - 1; at >= 0; at--) {
      const inode = tree.inode(nodes[at] as Node);
      if (inode === NONE) continue;
      this.#next[at] = this.#first[inode] as number;
      this.#first[inode] = at;
    }
  }

  /** The names of an inode, in the order of the nodes. */
  *of(inode: number): Generator<Node, void, void> {
    for (let at = this.#first[inode] as number; at !== NONE; at = this.#next[at] as number) {
      yield this.#nodes[at] as Node;
    }
  }
}
