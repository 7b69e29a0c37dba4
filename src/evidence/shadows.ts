import type { MergedTree } from '../merge/merged-tree.js';
import { type Column, NONE, type Node } from '../merge/node.js';

/** An entry that describes a path: its layer, where 0 is the oldest, and the node it made or defined. */
export interface PathEntry {
  readonly layer: number;
  readonly entry: number;
  readonly node: Node;
}

/** Which entries of all layers describe the same path, in the order they were applied. Takes eight bytes an entry. */
export class Shadows {
  readonly #merged: MergedTree;
  readonly #places: Int32Array;
  /** For each layer, the number of its first entry, if the entries of all layers are numbered on. */
  readonly #first: number[] = [];
  /** For each entry, the one before it with the same path, or `NONE`. */
  readonly #before: Int32Array;
  /** For each entry, the number of those before it with the same path. */
  readonly #older: Int32Array;
  /** For each place, the last entry with its path, or `NONE`. */
  readonly #last: Int32Array;

  constructor(merged: MergedTree, places: Int32Array) {
    this.#merged = merged;
    this.#places = places;
    let count = 0;
    for (const { length } of merged.nodes) {
      this.#first.push(count);
      count += length;
    }
    this.#before = new Int32Array(count).fill(NONE);
    this.#older = new Int32Array(count);
    this.#last = new Int32Array(places.length).fill(NONE);
    for (const [layer, nodes] of merged.nodes.entries()) {
      const first = this.#first[layer] as number;
      for (let entry = 0; entry < nodes.length; entry++) {
        const node = nodes.get(entry);
        if (node === NONE) continue;
        const place = places[node] as number;
        const before = this.#last[place] as number;
        this.#before[first + entry] = before;
        this.#older[first + entry] = before === NONE ? 0 : (this.#older[before] as number) + 1;
        this.#last[place] = first + entry;
      }
    }
  }

  /** The entries that described the path of a version before, newest first; no more than `most`. */
  of(node: Node, most: number): PathEntry[] {
    const older: PathEntry[] = [];
    const newest = this.#newest(node);
    if (newest === NONE) return older;
    for (const entry of this.#from(newest)) {
      if (older.length === most) break;
      older.push(entry);
    }
    return older;
  }

  /** How many entries described the path of a version before. */
  count(node: Node): number {
    const newest = this.#newest(node);
    return newest === NONE ? 0 : (this.#older[newest] as number) + 1;
  }

  /** All entries with the path of a node, newest first. */
  all(node: Node): Generator<PathEntry, void, void> {
    return this.#from(this.#last[this.#places[node] as number] as number);
  }

  /** Where no entry describes a directory, all entries with its path are older. */
  #newest(node: Node): number {
    const { layer, entry } = this.#merged.tree.ref(node);
    if (entry === NONE) return this.#last[this.#places[node] as number] as number;
    return this.#before[(this.#first[layer] as number) + entry] as number;
  }

  *#from(newest: number): Generator<PathEntry, void, void> {
    let layer = this.#first.length - 1;
    for (let at = newest; at !== NONE; at = this.#before[at] as number) {
      while ((this.#first[layer] as number) > at) layer--;
      const entry = at - (this.#first[layer] as number);
      yield { layer, entry, node: (this.#merged.nodes[layer] as Column).get(entry) };
    }
  }
}
