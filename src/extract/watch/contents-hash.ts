import { createHash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { throwIfAborted } from '../../errors.js';
import type { SparseStretches } from '../../tar/sparse-layout.js';

const ZEROS = new Uint8Array(1024 * 1024);

/** In bytes. A hole may be a terabyte long, so after this much of it other work, such as an abort, gets its turn. */
const TURN = 32 * ZEROS.length;

/** SHA-256 of a file's contents, from its bytes as they are stored. The holes of a sparse file count as zeros. */
export class ContentsHash {
  readonly #hash = createHash('sha256');
  readonly #sparse: Pick<SparseStretches, 'map' | 'realSize'> | undefined;
  readonly #signal: AbortSignal | undefined;
  /** Stored bytes to skip: the map at the start of the contents. */
  #skip: number;
  /** Index in the map of the next stretch. */
  #next = 0;
  /** Bytes still to come of the current stretch, and how much of the file is hashed. */
  #stretch = 0;
  #hashed = 0;
  #zerosSinceTurn = 0;

  constructor(sparse: Pick<SparseStretches, 'map' | 'realSize'> | undefined, skip = 0, signal?: AbortSignal) {
    this.#sparse = sparse;
    this.#skip = skip;
    this.#signal = signal;
  }

  /** @throws DIMGX_ABORTED */
  async push(stored: Uint8Array): Promise<void> {
    if (!this.#sparse) {
      this.#hash.update(stored);
      return;
    }
    const { map } = this.#sparse;
    const skipped = Math.min(this.#skip, stored.length);
    this.#skip -= skipped;
    for (let at = skipped; at < stored.length; ) {
      while (this.#stretch === 0 && this.#next < map.length) {
        await this.#hole(map[this.#next] as number);
        this.#stretch = map[this.#next + 1] as number;
        this.#next += 2;
      }
      const part = stored.subarray(at, at + this.#stretch);
      this.#hash.update(part);
      this.#hashed += part.length;
      this.#stretch -= part.length;
      at += part.length;
    }
  }

  /** @returns the digest, in hex. @throws DIMGX_ABORTED */
  async end(): Promise<string> {
    if (this.#sparse) await this.#hole(this.#sparse.realSize);
    return this.#hash.digest('hex');
  }

  /** Hashes zeros up to an offset in the file. */
  async #hole(end: number): Promise<void> {
    while (this.#hashed < end) {
      const zeros = ZEROS.subarray(0, end - this.#hashed);
      this.#hash.update(zeros);
      this.#hashed += zeros.length;
      this.#zerosSinceTurn += zeros.length;
      if (this.#zerosSinceTurn < TURN) continue;
      this.#zerosSinceTurn = 0;
      await turn();
      throwIfAborted(this.#signal);
    }
  }
}
