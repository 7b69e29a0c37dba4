interface Waiting {
  readonly end: number;
  readonly resolve: () => void;
  readonly reject: (failure: unknown) => void;
}

/** How much of a region is available while it is filled from the start. */
export class FillLevel {
  /** Level of a region that is already complete. */
  static readonly full = new FillLevel(Number.POSITIVE_INFINITY);

  #length: number;
  #failure: { readonly of: unknown } | undefined;
  #waiting: Waiting[] = [];

  /** @param length initially available length, in bytes */
  constructor(length = 0) {
    this.#length = length;
  }

  /** Available length, in bytes. */
  get length(): number {
    return this.#length;
  }

  /**
   * Resolves once bytes up to `end` are available. Rejects with the error given to `fail`, even for bytes already
   * available.
   */
  until(end: number): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure.of);
    if (end <= this.#length) return Promise.resolve();
    return new Promise((resolve, reject) => this.#waiting.push({ end, resolve, reject }));
  }

  rise(length: number): void {
    this.#length = Math.max(this.#length, length);
    const waiting = this.#waiting;
    this.#waiting = waiting.filter(({ end }) => end > this.#length);
    for (const { end, resolve } of waiting) if (end <= this.#length) resolve();
  }

  /** The region will not be filled any further: rejects all waits, pending and future. */
  fail(failure: unknown): void {
    this.#failure ??= { of: failure };
    for (const { reject } of this.#waiting.splice(0)) reject(failure);
  }
}
