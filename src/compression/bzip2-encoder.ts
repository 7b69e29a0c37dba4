import { Bzip2Threads } from './bzip2-threads.js';
import type { EncoderSettings } from './codec.js';
import { Libbz2 } from './libbz2.js';
import { PiecewiseEncoder } from './piecewise-encoder.js';

/** Bytes for each unit of the level: the level sets the size of the blocks that are sorted. */
const LEVEL_STEP = 100_000;
const NOTHING = new Uint8Array(0);

/**
 * Compresses each block-sized piece into a stream of its own, in worker threads, as pbzip2 does. An input shorter than
 * one piece is compressed on the current thread, which takes less time than starting a worker. Empty input gives a
 * stream without blocks.
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
