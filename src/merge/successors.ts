import type { Column, Node } from './node.js';

/**
 * What became of directories that were emptied: each was replaced by another node, which may have been emptied in turn.
 * Takes eight bytes for each of them. Other nodes have no successor.
 */
export class Successors {
  /** The emptied directories, sorted, and what each of them finally became. */
  readonly #nodes: Int32Array;
  readonly #lasting: Int32Array;

  /** @param successor for each node of `nodes`, the one that replaced it; its number is higher */
  constructor(nodes: Column, successor: Column) {
    const order = new Uint32Array(nodes.length);
    for (let i = 0; i < order.length; i++) order[i] = i;
    order.sort((one, other) => nodes.get(one) - nodes.get(other));
    this.#nodes = new Int32Array(order.length);
    this.#lasting = new Int32Array(order.length);
    for (const [at, i] of order.entries()) {
      this.#nodes[at] = nodes.get(i);
      this.#lasting[at] = successor.get(i);
    }
    for (let at = order.length - 1; at >= 0; at--) this.#lasting[at] = this.lasting(this.#lasting[at] as Node);
  }

  /** The node that a directory finally became if it was emptied, once or more; else the node itself. */
  lasting(node: Node): Node {
    let [from, to] = [0, this.#nodes.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((this.#nodes[middle] as Node) < node) from = middle + 1;
      else to = middle;
    }
    return this.#nodes[from] === node ? (this.#lasting[from] as Node) : node;
  }

  /** @param visit called for each emptied directory, with what it finally became */
  each(visit: (emptied: Node, lasting: Node) => void): void {
    for (const [at, node] of this.#nodes.entries()) visit(node, this.#lasting[at] as Node);
  }
}
