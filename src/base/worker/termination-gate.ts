const OPEN = 0;
const HELD = 1;
const SHUT = 2;

/**
 * Keeps a thread from being terminated during work that must not be interrupted. A thread terminated between the
 * creation and initialization of a zlib stream takes the whole process down (Node 20 to 24: "close before init").
 */
export class TerminationGate {
  /** Pass this to the thread. */
  readonly memory: SharedArrayBuffer;
  readonly #state: Int32Array;

  constructor(memory = new SharedArrayBuffer(4)) {
    this.memory = memory;
    this.#state = new Int32Array(memory);
  }

  /** In the thread: does the work, unless the thread is about to be terminated. In that case, blocks until it is. */
  hold<T>(work: () => T): T {
    while (Atomics.compareExchange(this.#state, 0, OPEN, HELD) === SHUT) Atomics.wait(this.#state, 0, SHUT);
    try {
      return work();
    } finally {
      Atomics.store(this.#state, 0, OPEN);
    }
  }

  /** Outside: resolves once the thread can be terminated, and makes later `hold` calls block. */
  async shut(): Promise<void> {
    while (Atomics.compareExchange(this.#state, 0, OPEN, SHUT) === HELD) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}
