interface Waiting {
  readonly end: number;
  readonly resolve: () => void;
  readonly reject: (failure: unknown) => void;
}

/** How much of a region is there while it is being filled from its beginning. */
export class FillLevel {
  /** Of a region that nobody fills any more. */
  static readonly full = new FillLevel(Number.POSITIVE_INFINITY);

  #length: number;
  #failure: { readonly of: unknown } | undefined;
  #waiting: Waiting[] = [];

  /** @param length that is there at first, in bytes */
  constructor(length = 0) {
    this.#length = length;
  }

  /** That is there, in bytes. */
  get length(): number {
    return this.#length;
  }

  /** Resolves when the region is there up to `end`. @throws what `fail` was given, though a part be there */
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

  /** There will be no more. */
  fail(failure: unknown): void {
    this.#failure ??= { of: failure };
    for (const { reject } of this.#waiting.splice(0)) reject(failure);
  }
}
