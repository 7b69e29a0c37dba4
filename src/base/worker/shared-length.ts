/** How long a file is so far, told by the thread that writes it to one that reads behind it. */
export class SharedLength {
  readonly memory: SharedArrayBuffer;
  readonly #length: BigInt64Array;
  /** How often it has changed, and whether it will not any more. */
  readonly #state: Int32Array;

  constructor(memory = new SharedArrayBuffer(16)) {
    this.memory = memory;
    this.#length = new BigInt64Array(memory, 0, 1);
    this.#state = new Int32Array(memory, 8, 2);
  }

  grow(length: number): void {
    Atomics.store(this.#length, 0, BigInt(length));
    this.#tell();
  }

  /** Nothing more will come. */
  end(): void {
    Atomics.store(this.#state, 1, 1);
    this.#tell();
  }

  /**
   * Blocks its thread until the file is that long or has ended.
   *
   * @returns how long it is
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

  #tell(): void {
    Atomics.add(this.#state, 0, 1);
    Atomics.notify(this.#state, 0);
  }
}
