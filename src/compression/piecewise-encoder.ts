import { Converter } from './converter.js';

/** How a format is written in pieces that are compressed side by side. */
export interface PieceFormat {
  /** In bytes; the last piece may be shorter. */
  readonly pieceSize: number;
  /** So many bytes before a piece help to compress it. */
  readonly historySize: number;
  /** What stands before the first piece. */
  readonly head: Uint8Array;
  /**
   * Called in the order of the pieces, and again before what it gave last resolves. Both arguments are its own until then.
   *
   * @param piece not empty, unless it is the only one
   * @param history what came before it; shorter than `historySize` when there was not so much
   */
  compress(piece: Buffer, history: Buffer): Promise<Uint8Array>;
  /** What stands behind the last piece; called after it was compressed. */
  tail(): Uint8Array;
}

/**
 * Cuts what it is given into pieces of one size, whatever the sizes it comes in, and compresses several at once. The bytes do
 * not depend on how many. Held at most are a piece for each thread and the one that is being filled, and twice as many
 * results: of a piece that takes longer than others, the next do not wait for it.
 */
export class PiecewiseEncoder extends Converter {
  readonly #format: PieceFormat;
  readonly #threads: number;
  /** Each has room for the history in front. */
  readonly #free: Buffer[] = [];
  readonly #busy = new Set<Promise<unknown>>();
  /** In the order of the pieces. */
  readonly #results: Promise<Uint8Array>[] = [];
  #buffer: Buffer;
  /** In `#buffer`: where the history begins, and where the next byte goes. */
  #from: number;
  #filled: number;
  #hasPiece = false;

  constructor(format: PieceFormat, threads: number) {
    super();
    this.#format = format;
    this.#threads = threads;
    this.#buffer = this.#emptyBuffer();
    this.#from = this.#filled = format.historySize;
    this.push(format.head);
  }

  protected override async accept(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length && !this.destroyed; ) {
      const copied = bytes.copy(this.#buffer, this.#filled, at);
      at += copied;
      this.#filled += copied;
      if (this.#filled === this.#buffer.length) await this.#compress();
    }
  }

  protected override async finish(): Promise<void> {
    if (this.#filled > this.#format.historySize || !this.#hasPiece) await this.#compress();
    while (this.#results.length > 0) await this.#putNext();
    await this.put(this.#format.tail());
  }

  /** Its threads cannot be stopped; it is closed when they have. */
  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    Promise.allSettled(this.#busy).then(() => done(error));
  }

  /** Hands on the piece as soon as a thread is free for it. */
  async #compress(): Promise<void> {
    while (this.#busy.size >= this.#threads) await Promise.race(this.#busy);
    if (this.destroyed) return;
    const { historySize } = this.#format;
    const [buffer, filled] = [this.#buffer, this.#filled];
    const result = this.#format.compress(
      buffer.subarray(historySize, filled),
      buffer.subarray(this.#from, historySize),
    );
    this.#buffer = this.#emptyBuffer();
    // pieces are never shorter than the history, but for the last
    buffer.copy(this.#buffer, 0, filled - historySize, filled);
    this.#from = 0;
    this.#filled = historySize;
    this.#hasPiece = true;
    const done = result.then(
      () => this.#free.push(buffer),
      () => undefined, // whoever waits for the result is told
    );
    this.#busy.add(done);
    done.then(() => this.#busy.delete(done));
    this.#results.push(result);
    if (this.#results.length > 2 * this.#threads) await this.#putNext();
  }

  async #putNext(): Promise<void> {
    const bytes = await this.#results.shift();
    if (bytes) await this.put(bytes);
  }

  #emptyBuffer(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#format.historySize + this.#format.pieceSize);
  }
}
