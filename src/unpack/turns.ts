import { setImmediate as turn } from 'node:timers/promises';
import { throwIfAborted } from '../errors.js';

/** How long synchronous work may keep everything else waiting, in milliseconds. */
const SLICE = 5;

/** Gives other work its turn, every few milliseconds of synchronous work. */
export class Turns {
  readonly #signal: AbortSignal | undefined;
  #since = performance.now();

  /** @param signal looked at in each turn */
  constructor(signal?: AbortSignal) {
    this.#signal = signal;
  }

  /**
   * @returns `undefined` if it is not time yet
   * @throws DIMGX_ABORTED
   */
  due(): Promise<void> | undefined {
    return performance.now() - this.#since < SLICE ? undefined : this.#pass();
  }

  async #pass(): Promise<void> {
    await turn();
    throwIfAborted(this.#signal);
    this.#since = performance.now();
  }
}
