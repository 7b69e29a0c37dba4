import { createHash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { throwIfAborted } from '../../errors.js';
import type { PassingSparse } from '../../tar/passing-tar.js';
import { type SparsePart, SparseParts } from '../../tar/sparse-parts.js';

const ZEROS = new Uint8Array(1024 * 1024);

/** In bytes. A hole may be a terabyte long, so after this much of it other work, such as an abort, gets its turn. */
const TURN = 32 * ZEROS.length;

/** SHA-256 of a file's contents, from its bytes as they are stored. The holes of a sparse file count as zeros. */
export class ContentsHash {
  readonly #hash = createHash('sha256');
  readonly #parts: SparseParts | undefined;
  readonly #signal: AbortSignal | undefined;
  #zerosSinceTurn = 0;

  constructor(sparse: PassingSparse | undefined, signal?: AbortSignal) {
    this.#parts = sparse && new SparseParts(sparse);
    this.#signal = signal;
  }

  /** @throws DIMGX_ABORTED */
  async push(stored: Uint8Array): Promise<void> {
    if (this.#parts) await this.#take(this.#parts.push(stored));
    else this.#hash.update(stored);
  }

  /** @returns the digest, in hex. @throws DIMGX_ABORTED */
  async end(): Promise<string> {
    if (this.#parts) await this.#take(this.#parts.end());
    return this.#hash.digest('hex');
  }

  async #take(parts: Iterable<SparsePart>): Promise<void> {
    for (const part of parts) {
      if (typeof part === 'number') await this.#hole(part);
      else this.#hash.update(part);
    }
  }

  async #hole(length: number): Promise<void> {
    for (let left = length; left > 0; ) {
      const zeros = ZEROS.subarray(0, left);
      this.#hash.update(zeros);
      left -= zeros.length;
      this.#zerosSinceTurn += zeros.length;
      if (this.#zerosSinceTurn < TURN) continue;
      this.#zerosSinceTurn = 0;
      await turn();
      throwIfAborted(this.#signal);
    }
  }
}
