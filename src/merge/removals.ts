import { Column, NONE, type Node } from './node.js';
import type { How } from './plan.js';
import type { Tree } from './tree.js';

const HOWS = ['removal', 'replacement', 'opaque', 'leftover'] as const satisfies readonly How[];

/** What removed each node that is not in the tree any more. Columns: a stack can remove as many nodes as it has. */
export class Removals {
  readonly #node = new Column(16);
  readonly #layer = new Column(16);
  readonly #entry = new Column(16);
  readonly #how = new Column(16);
  /** The node that replaced a directory of which only the contents were removed. */
  readonly #successor = new Column(16);

  get length(): number {
    return this.#node.length;
  }

  add(node: Node, layer: number, entry: number, how: How, successor: Node = NONE): void {
    this.#node.push(node);
    this.#layer.push(layer);
    this.#entry.push(entry);
    this.#how.push(HOWS.indexOf(how));
    this.#successor.push(successor);
  }

  /** The node that was removed, with all below it. */
  node(removal: number): Node {
    return this.#node.get(removal);
  }

  /** The layer whose entry removed it, where 0 is the oldest. */
  layer(removal: number): number {
    return this.#layer.get(removal);
  }

  /** The entry; `NONE` if it was removed because of its name alone. */
  entry(removal: number): number {
    return this.#entry.get(removal);
  }

  how(removal: number): How {
    return HOWS[this.#how.get(removal)] as How;
  }

  /** For each node, what removed it or the nearest directory above it: the number of a removal, or `NONE`. */
  nearest(tree: Tree): Int32Array {
    const nearest = new Int32Array(tree.length).fill(NONE);
    for (let removal = 0; removal < this.length; removal++) nearest[this.node(removal)] = removal;
    for (let node = 0; node < nearest.length; node++) {
      const parent = tree.parent(node);
      if (nearest[node] === NONE && parent !== NONE) nearest[node] = nearest[parent] as number;
    }
    return nearest;
  }

  /** For each node, the one that a directory finally became if it was emptied, once or more; else the node itself. */
  lasting(tree: Tree): Int32Array {
    const lasting = new Int32Array(tree.length);
    for (let node = 0; node < lasting.length; node++) lasting[node] = node;
    // A successor comes after the node it replaces, and the removals are in order.
    for (let removal = this.length - 1; removal >= 0; removal--) {
      const successor = this.#successor.get(removal);
      if (successor !== NONE) lasting[this.node(removal)] = lasting[successor] as number;
    }
    return lasting;
  }
}
