import { SLASH } from '../tar/path.js';
import { NONE, type Node } from './node.js';
import type { Tree } from './tree.js';

/** In `#shared`: the name is less than that of the sibling before it. Longer than any name may be. */
const DESCENT = 0xffff;

/**
 * The surviving children of each directory, sorted by the bytes of their names. They are linked lists in typed arrays:
 * ten bytes per node.
 *
 * Most layers are stored in this order, so the children of a directory are a few sorted runs, one per layer, and most
 * often a single one. Runs are found while the lists are built, and merged. Each name also remembers how many bytes it
 * shares with the name before it in its run. Of two names that follow the same name, the one that shares more with it
 * is less, so most steps of a merge compare no bytes, and no byte is compared twice: however long and alike the names
 * are, sorting takes time in proportion to their length, plus that of the merges.
 */
export class SortedChildren {
  readonly #tree: Tree;
  readonly #places: Int32Array | undefined;
  readonly #first: Int32Array;
  readonly #next: Int32Array;
  /** Number of bytes that a name shares with the one before it in its run, or `DESCENT`. */
  readonly #shared: Uint16Array;

  /**
   * @param alive for each node, 1 if it survives
   * @param places for each node, the first one that has its path: only first ones are alive then, and what is in any of
   *   the others counts as in the first. Default: nodes are what they are in the tree
   */
  constructor(tree: Tree, alive: Uint8Array, places?: Int32Array) {
    this.#tree = tree;
    this.#places = places;
    this.#first = new Int32Array(tree.length).fill(NONE);
    this.#next = new Int32Array(tree.length).fill(NONE);
    this.#shared = new Uint16Array(tree.length);
    const isUnsorted = new Uint8Array(tree.length);
    for (let node = tree.length - 1; node >= 0; node--) {
      const directory = this.#directory(node);
      if (alive[node] === 0 || directory === NONE) continue;
      const next = this.#first[directory] as Node;
      this.#first[directory] = node;
      this.#next[node] = next;
      if (next === NONE) continue;
      const shared = tree.commonPrefix(node, next, 0);
      const isSorted = tree.nameByte(node, shared) < tree.nameByte(next, shared);
      this.#shared[next] = isSorted ? shared : DESCENT;
      if (!isSorted) isUnsorted[directory] = 1;
    }
    for (let node = 0; node < tree.length; node++) {
      if (isUnsorted[node] === 1) this.#first[node] = this.#sort(this.#first[node] as Node);
    }
  }

  /** Visits all nodes below a root: a directory directly before its contents, and its children in order. */
  walk(visit: (node: Node) => void, root: Node = this.#tree.root): void {
    let node = root;
    for (;;) {
      visit(node);
      let next = this.#first[node] as Node;
      while (next === NONE) {
        if (node === root) return;
        next = this.#next[node] as Node;
        if (next === NONE) node = this.#directory(node);
      }
      node = next;
    }
  }

  /**
   * Visits all nodes but the root, in the order of the bytes of their paths. What is in `a` follows what is
   * beside it under names like `a-b`: a slash is greater than a hyphen.
   */
  walkPaths(visit: (node: Node) => void): void {
    /** Directories whose contents are still to come. The name of each one of a level begins with that of the one before. */
    const waiting: Node[] = [];
    /** For each level above, the sibling to go on with, and how many directories were waiting when it began. */
    const above: { readonly next: Node; readonly base: number }[] = [];
    let base = 0;
    for (let node = this.#first[this.#places?.[this.#tree.root] ?? this.#tree.root] as Node; ; ) {
      const directory = waiting.length > base ? (waiting.at(-1) as Node) : NONE;
      if (directory !== NONE && (node === NONE || this.#precedes(directory, node))) {
        waiting.pop();
        above.push({ next: node, base });
        base = waiting.length;
        node = this.#first[directory] as Node;
      } else if (node === NONE) {
        const level = above.pop();
        if (level === undefined) return;
        ({ next: node, base } = level);
      } else {
        visit(node);
        if (this.#first[node] !== NONE) waiting.push(node);
        node = this.#next[node] as Node;
      }
    }
  }

  /** Whether the contents of a directory come before a sibling whose name is greater. */
  #precedes(directory: Node, sibling: Node): boolean {
    const common = this.#tree.commonPrefix(directory, sibling, 0);
    return this.#tree.nameByte(directory, common) >= 0 || this.#tree.nameByte(sibling, common) > SLASH;
  }

  #directory(node: Node): Node {
    const directory = this.#tree.parent(node);
    return directory === NONE || this.#places === undefined ? directory : (this.#places[directory] as Node);
  }

  /**
   * Merges the runs of a list, neighbours first: each name takes part in as many merges as the number of runs has
   * binary digits.
   */
  #sort(list: Node): Node {
    const sorted: Node[] = [];
    let count = 0;
    for (let at = list; at !== NONE; ) {
      const run = at;
      at = this.#cut(run);
      sorted.push(run);
      count++;
      for (let merges = count; merges % 2 === 0; merges /= 2) this.#mergeLast(sorted);
    }
    while (sorted.length > 1) this.#mergeLast(sorted);
    return sorted[0] as Node;
  }

  #mergeLast(sorted: Node[]): void {
    const later = sorted.pop() as Node;
    sorted.push(this.#merge(sorted.pop() as Node, later));
  }

  /** Ends a run where the names descend. Returns the node after it. */
  #cut(run: Node): Node {
    this.#shared[run] = 0;
    let last = run;
    for (;;) {
      const next = this.#next[last] as Node;
      if (next === NONE) return NONE;
      if (this.#shared[next] === DESCENT) {
        this.#next[last] = NONE;
        return next;
      }
      last = next;
    }
  }

  /**
   * Merges two runs. What a name in front shares with the name before it is always counted from the last name taken.
   */
  #merge(one: Node, other: Node): Node {
    const next = this.#next;
    const shared = this.#shared;
    const tree = this.#tree;
    let first = NONE;
    let last = NONE;
    let left = one;
    let right = other;
    while (left !== NONE && right !== NONE) {
      let isLeft = (shared[left] as number) > (shared[right] as number);
      if (shared[left] === shared[right]) {
        const common = tree.commonPrefix(left, right, shared[left] as number);
        isLeft = tree.nameByte(left, common) < tree.nameByte(right, common);
        shared[isLeft ? right : left] = common;
      }
      const least = isLeft ? left : right;
      if (isLeft) left = next[left] as Node;
      else right = next[right] as Node;
      if (last === NONE) first = least;
      else next[last] = least;
      last = least;
    }
    next[last] = left === NONE ? right : left;
    return first;
  }
}
