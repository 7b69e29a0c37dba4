import { Column, NONE, type Node } from './node.js';
import type { How } from './plan.js';
import { Successors } from './successors.js';
import type { Tree } from './tree.js';

const HOWS = ['removal', 'replacement', 'opaque', 'leftover'] as const satisfies readonly How[];

/** What removed each node that is not in the tree any more. Columns: a stack can remove as many nodes as it has. */
export class Removals {
  readonly #node = new Column(16);
  readonly #entry = new Column(16);
  /** The layer, and how, in one number. */
  readonly #what = new Column(16);
  /** Directories of which only the contents were removed, and the nodes that replaced them. */
  readonly #emptied = new Column(16);
  readonly #successor = new Column(16);

  get length(): number {
    return this.#node.length;
  }

  add(node: Node, layer: number, entry: number, how: How, successor: Node = NONE): void {
    this.#node.push(node);
    this.#entry.push(entry);
    this.#what.push(layer * HOWS.length + HOWS.indexOf(how));
    if (successor === NONE) return;
    this.#emptied.push(node);
    this.#successor.push(successor);
  }

  /** Gives back unused room, once nothing more is removed. */
  trim(): void {
    for (const column of [this.#node, this.#entry, this.#what, this.#emptied, this.#successor]) column.trim();
  }

  /** The node that was removed, with all below it. */
  node(removal: number): Node {
    return this.#node.get(removal);
  }

  /** The layer whose entry removed it, where 0 is the oldest. */
  layer(removal: number): number {
    return Math.floor(this.#what.get(removal) / HOWS.length);
  }

  /** The entry; `NONE` if it was removed because of its name alone. */
  entry(removal: number): number {
    return this.#entry.get(removal);
  }

  how(removal: number): How {
    return HOWS[this.#what.get(removal) % HOWS.length] as How;
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

  /** What became of directories of which only the contents were removed. */
  successors(): Successors {
    return new Successors(this.#emptied, this.#successor);
  }
}
