/** Current length of a file, shared between the thread that writes it and one that reads behind it. */
export class SharedLength {
  readonly memory: SharedArrayBuffer;
  readonly #length: BigInt64Array;
  /** A counter of changes, and a flag set when there will be no more. */
  readonly #state: Int32Array;

  constructor(memory = new SharedArrayBuffer(16)) {
    this.memory = memory;
    this.#length = new BigInt64Array(memory, 0, 1);
    this.#state = new Int32Array(memory, 8, 2);
  }

  grow(length: number): void {
    Atomics.store(this.#length, 0, BigInt(length));
    this.#notify();
  }

  /** Marks the file as complete. */
  end(): void {
    Atomics.store(this.#state, 1, 1);
    this.#notify();
  }

  /**
   * Blocks the thread until the file has this length or is complete.
   *
   * @returns the current length
   */
  waitFor(length: number): number {
    for (;;) {
      const change = Atomics.load(this.#state, 0);
      const hasEnded = Atomics.load(this.#state, 1) === 1;
      const now = Number(Atomics.load(this.#length, 0));
      if (now >= length || hasEnded) return now;
      Atomics.wait(this.#state, 0, change);
    }
  }

  #notify(): void {
    Atomics.add(this.#state, 0, 1);
    Atomics.notify(this.#state, 0);
  }
}
