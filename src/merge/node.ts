/** Number of a node in the tree. A child's number is higher than its directory's. */
export type Node = number;
export const NONE = -1;

/** Identifies an entry: the number of its layer in order of application, and its number in that layer. */
export interface EntryRef {
  readonly layer: number;
  /** `NONE` for a directory that is only implied by the paths of other entries. */
  readonly entry: number;
}

/** What a node's name refers to. */
export const KIND = { directory: 0, symlink: 1, other: 2 } as const;

/** A column of 32-bit numbers that grows by doubling. */
export class Column {
  #values: Int32Array;
  #length = 0;

  constructor(capacity: number) {
    this.#values = new Int32Array(Math.max(16, capacity));
  }

  get length(): number {
    return this.#length;
  }

  push(value: number): void {
    if (this.#length === this.#values.length) {
      const larger = new Int32Array(this.#values.length * 2);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#length++] = value;
  }

  /** Gives back the room for values that will not be pushed. */
  trim(): void {
    this.#values = this.toArray();
  }

  /** The values so far, as they are until the next `push`. */
  view(): Int32Array {
    return this.#values.subarray(0, this.#length);
  }

  /** A copy, trimmed to length. */
  toArray(): Int32Array {
    return this.#values.slice(0, this.#length);
  }

  get(i: number): number {
    return this.#values[i] as number;
  }

  set(i: number, value: number): void {
    this.#values[i] = value;
  }
}
