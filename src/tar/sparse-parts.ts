import type { PassingSparse } from './passing-tar.js';

/** A part of a sparse file: bytes, or the length of a hole in bytes. */
export type SparsePart = Uint8Array | number;

/** Puts the stored bytes of a sparse file in their places, as they pass by. */
export class SparseParts {
  readonly #sparse: PassingSparse;
  /** Stored bytes to skip: the map at the start of the contents. */
  #skip: number;
  /** Index in the map of the next stretch. */
  #next = 0;
  /** Bytes still to come of the current stretch. */
  #stretch = 0;
  /** Offset in the file after the last part. */
  #done = 0;

  constructor(sparse: PassingSparse) {
    this.#sparse = sparse;
    this.#skip = sparse.skip;
  }

  /** The parts up to the last of the stored bytes. Take them all before the next call. */
  *push(stored: Uint8Array): Generator<SparsePart, void, void> {
    const { map } = this.#sparse;
    const skipped = Math.min(this.#skip, stored.length);
    this.#skip -= skipped;
    for (let at = skipped; at < stored.length; ) {
      while (this.#stretch === 0 && this.#next < map.length) {
        yield* this.#hole(map[this.#next] as number);
        this.#stretch = map[this.#next + 1] as number;
        this.#next += 2;
      }
      const part = stored.subarray(at, at + this.#stretch);
      this.#done += part.length;
      this.#stretch -= part.length;
      at += part.length;
      yield part;
    }
  }

  /** The hole at the end. */
  end(): Generator<SparsePart, void, void> {
    return this.#hole(this.#sparse.realSize);
  }

  *#hole(end: number): Generator<SparsePart, void, void> {
    const length = end - this.#done;
    if (length <= 0) return;
    this.#done = end;
    yield length;
  }
}
