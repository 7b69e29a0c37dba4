import { Broken } from './target.js';

/** Of the whole process, resident, and of what a run may hold on to, in bytes. */
const MOST_RESIDENT = 512 * 2 ** 20;
const MOST_KEPT = 24 * 2 ** 20;
/** Of a run, until what is loaded, compiled and pooled is there. */
const WARM_UP = 0.2;

/** Sees whether a run takes more and more memory, or much at once. Wants `node --expose-gc`. */
export class MemoryWatch {
  #baseline: number | undefined;

  /** @param progress from 0 to 1 */
  look(progress: number): void {
    if (process.memoryUsage.rss() > MOST_RESIDENT) throw new Broken(`over ${MOST_RESIDENT} bytes of memory are taken`);
    if (progress >= WARM_UP) this.#baseline ??= held();
  }

  /** @throws Broken when more is held than after the first part of the run */
  close(): void {
    const kept = this.#baseline === undefined ? 0 : held() - this.#baseline;
    if (kept > MOST_KEPT) throw new Broken(`${kept} bytes of memory were not given back`);
  }
}

function held(): number {
  global.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
