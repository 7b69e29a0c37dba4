import { formatSize, type Limits } from '../base/limits.js';
import { DimgxError } from '../errors.js';

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
    const message = `the unpacked image is larger than ${formatSize(this.limits.maxSize)}`;
    throw new DimgxError('DIMGX_LIMIT_SIZE', message);
  }

  /** @throws DIMGX_LIMIT_ENTRIES */
  spendEntries(count: number): void {
    const spent = Atomics.add(this.#spent, 1, BigInt(count)) + BigInt(count);
    if (spent <= BigInt(this.limits.maxEntries)) return;
    const message = `the image has more than ${this.limits.maxEntries} entries`;
    throw new DimgxError('DIMGX_LIMIT_ENTRIES', message);
  }
}
