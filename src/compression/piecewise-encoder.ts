import { Converter } from './converter.js';

/** How to write a format in pieces that are compressed in parallel. */
export interface PieceFormat {
  /** In bytes; the last piece may be shorter. */
  readonly pieceSize: number;
  /** Number of bytes before a piece that help to compress it. */
  readonly historySize: number;
  /** Written before the first piece. */
  readonly head: Uint8Array;
  /**
   * Called in the order of the pieces, and again before the previous result resolves. Both arguments stay unchanged
   * until the result resolves.
   *
   * @param piece not empty, unless it is the only one
   * @param history the bytes before the piece; shorter than `historySize` near the beginning
   */
  compress(piece: Buffer, history: Buffer): Promise<Uint8Array>;
  /** Written after the last piece; called once that has been compressed. */
  tail(): Uint8Array;
}

/**
 * Splits the input into pieces of equal size, whatever the sizes of the writes, and compresses several at once. The
 * output does not depend on how many. It holds at most one piece for each thread, the piece being filled, and twice as
 * many results: when one piece takes longer than others, the pieces after it do not wait.
 */
export class PiecewiseEncoder extends Converter {
  readonly #format: PieceFormat;
  readonly #threads: number;
  /** Each buffer has room for the history in front. */
  readonly #free: Buffer[] = [];
  readonly #busy = new Set<Promise<unknown>>();
  /** In the order of the pieces. */
  readonly #results: Promise<Uint8Array>[] = [];
  #buffer: Buffer;
  /** Offsets in `#buffer` of the beginning of the history and of the next byte. */
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

  /** Running compressions cannot be stopped; the stream closes once they have settled. */
  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    Promise.allSettled(this.#busy).then(() => done(error));
  }

  /** Passes on the piece as soon as a thread is free for it. */
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
    // only the last piece can be shorter than the history
    buffer.copy(this.#buffer, 0, filled - historySize, filled);
    this.#from = 0;
    this.#filled = historySize;
    this.#hasPiece = true;
    const done = result.then(
      () => this.#free.push(buffer),
      () => undefined, // rethrown to the caller that awaits the result
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
