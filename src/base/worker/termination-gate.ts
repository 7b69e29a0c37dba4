const OPEN = 0;
const HELD = 1;
const SHUT = 2;

/**
 * Keeps a thread from being ended in the midst of what must not be cut short: a thread that ends between the making and the
 * setting up of a zlib stream takes the whole process with it (Node 20 to 24: "close before init").
 */
export class TerminationGate {
  /** To hand to the thread. */
  readonly memory: SharedArrayBuffer;
  readonly #state: Int32Array;

  constructor(memory = new SharedArrayBuffer(4)) {
    this.memory = memory;
    this.#state = new Int32Array(memory);
  }

  /** In the thread: does the work, unless the thread is about to be ended; then it waits for that. */
  hold<T>(work: () => T): T {
    while (Atomics.compareExchange(this.#state, 0, OPEN, HELD) === SHUT) Atomics.wait(this.#state, 0, SHUT);
    try {
      return work();
    } finally {
      Atomics.store(this.#state, 0, OPEN);
    }
  }

  /** Outside: resolves when the thread can be ended, and holds nothing any more. */
  async shut(): Promise<void> {
    while (Atomics.compareExchange(this.#state, 0, OPEN, SHUT) === HELD) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}
