import { setTimeout } from 'node:timers/promises';
import { Broken } from './target.js';

/** Of the whole process, resident, and of what a run may hold on to, in bytes. */
const MOST_RESIDENT = 512 * 2 ** 20;
const MOST_KEPT = 24 * 2 ** 20;
/** Of a run, until what is loaded, compiled and pooled is there. */
const WARM_UP = 0.2;

/** Sees whether a run takes more and more memory, or much at once. Wants `node --expose-gc`. */
export class MemoryWatch {
  #baseline: number | undefined;

  /**
   * @param progress from 0 to 1
   * @throws Broken
   */
  async look(progress: number): Promise<void> {
    if (process.memoryUsage.rss() > MOST_RESIDENT) throw new Broken(`over ${MOST_RESIDENT} bytes of memory are taken`);
    if (progress >= WARM_UP) this.#baseline ??= await held();
  }

  /** @throws Broken when more is held than after the first part of the run */
  async close(): Promise<void> {
    const kept = this.#baseline === undefined ? 0 : (await held()) - this.#baseline;
    if (kept > MOST_KEPT) throw new Broken(`${kept} bytes of memory were not given back`);
  }
}

/** Streams give their buffers back some turns after they are closed. */
async function held(): Promise<number> {
  for (let times = 0; times < 3; times++) {
    await setTimeout(20);
    global.gc?.();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
