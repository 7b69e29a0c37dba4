import { BLOCK } from './header.js';

/** Looks for data after the end of a tar archive. Keeps the first block that is not all zeros. */
export class Tail {
  readonly #block = new Uint8Array(BLOCK);
  #position: number;
  #start = -1;
  #kept = 0;

  /** @param position offset in the archive of the first byte to be pushed; a multiple of the block size */
  constructor(position: number) {
    this.#position = position;
  }

  /** Whether any nonzero byte has been pushed. */
  get hasData(): boolean {
    return this.#start >= 0;
  }

  /** Whether no more bytes are needed. */
  get isSettled(): boolean {
    return this.hasData && this.#kept === BLOCK;
  }

  /** The first block that is not all zeros, as far as it has been pushed, and its offset in the archive. */
  get data(): { readonly block: Uint8Array; readonly position: number } | undefined {
    return this.hasData ? { block: this.#block.subarray(0, this.#kept), position: this.#start } : undefined;
  }

  push(bytes: Uint8Array): void {
    if (this.isSettled) return;
    let at = 0;
    if (!this.hasData) {
      while (at < bytes.length && bytes[at] === 0) at++;
      if (at < bytes.length) {
        const first = this.#position + at;
        this.#kept = first % BLOCK;
        this.#start = first - this.#kept;
      }
    }
    this.#position += bytes.length;
    if (!this.hasData) return;
    const rest = bytes.subarray(at, at + BLOCK - this.#kept);
    this.#block.set(rest, this.#kept);
    this.#kept += rest.length;
  }
}
