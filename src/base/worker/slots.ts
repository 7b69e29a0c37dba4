/** Permits that limit how much work is done at once. Granted in the order of the requests. */
export class Slots {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(count: number) {
    this.#free = count;
  }

  /**
   * @param onWait called with a function that cancels the wait
   * @returns releases the permit
   */
  async take(onWait: (giveUp: () => void) => void = () => {}): Promise<() => void> {
    if (this.#free > 0) this.#free--;
    else await this.#wait(onWait);
    return () => this.#pass();
  }

  #wait(onWait: (giveUp: () => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.add(resolve);
      onWait(() => {
        if (this.#waiting.delete(resolve)) reject(new Error('the wait was abandoned'));
      });
    });
  }

  #pass(): void {
    const [next] = this.#waiting;
    if (!next) {
      this.#free++;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
