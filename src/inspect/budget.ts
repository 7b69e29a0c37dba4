import { type Limits, tooLarge, tooManyEntries } from '../base/limits.js';

/** What is left of an image's limits, counted across all threads that index its layers. */
export class Budget {
  readonly limits: Limits;
  /** Shared with another thread, along with `limits`. */
  readonly counters: SharedArrayBuffer;
  readonly #spent: BigInt64Array;

  constructor(limits: Limits, counters = new SharedArrayBuffer(16)) {
    this.limits = limits;
    this.counters = counters;
    this.#spent = new BigInt64Array(counters);
  }

  /** @throws DIMGX_LIMIT_SIZE */
  spendBytes(bytes: number): void {
    const spent = Atomics.add(this.#spent, 0, BigInt(bytes)) + BigInt(bytes);
    if (spent <= BigInt(this.limits.maxSize)) return;
    throw tooLarge('the unpacked image', this.limits.maxSize);
  }

  /** @throws DIMGX_LIMIT_ENTRIES */
  spendEntries(count: number): void {
    const spent = Atomics.add(this.#spent, 1, BigInt(count)) + BigInt(count);
    if (spent <= BigInt(this.limits.maxEntries)) return;
    throw tooManyEntries('the image', this.limits.maxEntries);
  }
}
