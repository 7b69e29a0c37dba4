import { Bzip2Threads } from './bzip2-threads.js';
import type { EncoderSettings } from './codec.js';
import { Libbz2 } from './libbz2.js';
import { PiecewiseEncoder } from './piecewise-encoder.js';

/** What a level counts, in bytes: so much is sorted at once. */
const LEVEL_STEP = 100_000;
const NOTHING = new Uint8Array(0);

/**
 * Makes a stream of each piece of one block's size, in threads, as pbzip2 does. What is less than one such piece is
 * compressed in this thread, sooner than another would start; of nothing, a stream without blocks comes.
 */
export class Bzip2Encoder extends PiecewiseEncoder {
  readonly #threads: Bzip2Threads;

  constructor(libbz2: WebAssembly.Module, { level, threads: count }: EncoderSettings) {
    const threads = new Bzip2Threads(count, { libbz2, level });
    const pieceSize = level * LEVEL_STEP;
    const compress = async (piece: Buffer) => {
      if (piece.length === pieceSize || threads.hasStarted) return threads.compress(piece);
      return new Libbz2(libbz2).compress(piece, level);
    };
    super({ pieceSize, historySize: 0, head: NOTHING, compress, tail: () => NOTHING }, count);
    this.#threads = threads;
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const end = () => this.#threads.close().then(() => done(error), done);
    super._destroy(error, end);
  }
}
