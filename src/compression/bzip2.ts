import { availableParallelism } from 'node:os';
import { ThreadPool } from '../base/worker/thread-pool.js';
import type { ThreadShare } from '../base/worker/thread-share.js';
import { Bzip2Decoder } from './bzip2-decoder.js';
import type { Bzip2Job } from './bzip2-worker.js';
import type { Codec, EncoderSettings } from './codec.js';
import { compileLibbz2, Libbz2 } from './libbz2.js';
import { PiecewiseEncoder } from './piecewise-encoder.js';

/** Several streams are read as one. When writing, each piece becomes a stream, as with pbzip2. */
export const bzip2: Codec = {
  magic: [0x42, 0x5a, 0x68],
  extensions: ['.bz2', '.tbz2'],
  levels: { lowest: 1, highest: 9, standard: 9 },
  blocksThread: true,
  loadDecoder: async () => {
    const libbz2 = await compileLibbz2();
    return (waiting) => new Bzip2Decoder(libbz2, waiting);
  },
  loadEncoder: async () => {
    const libbz2 = await compileLibbz2();
    return (settings) => new Bzip2Encoder(libbz2, settings);
  },
};

/** Bytes for each unit of the level: the level sets the size of the blocks that are sorted. */
const LEVEL_STEP = 100_000;
const NOTHING = new Uint8Array(0);

/**
 * Compresses each block-sized piece into a stream of its own, in worker threads, as pbzip2 does. An input shorter than
 * one piece is compressed on the current thread, which takes less time than starting a worker. Empty input gives a
 * stream without blocks.
 */
class Bzip2Encoder extends PiecewiseEncoder {
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

/** Worker threads of the process, shared by all compressions under way. */
let pool: ThreadPool | undefined;

/** Worker threads that compress pieces for one encoder. They start when there is work. */
class Bzip2Threads {
  readonly #libbz2: WebAssembly.Module;
  readonly #level: number;
  readonly #share: ThreadShare;
  #hasStarted = false;

  /** @param threads maximum number that work for this encoder at once */
  constructor(threads: number, { libbz2, level }: { readonly libbz2: WebAssembly.Module; readonly level: number }) {
    const url = () => new URL('./bzip2-worker.js', import.meta.url);
    pool ??= new ThreadPool({ url, threads: availableParallelism(), data: libbz2 });
    this.#libbz2 = libbz2;
    this.#level = level;
    this.#share = pool.share({ threads });
  }

  get hasStarted(): boolean {
    return this.#hasStarted;
  }

  /** @returns the piece as one bzip2 stream */
  compress(piece: Buffer): Promise<Uint8Array> {
    this.#hasStarted = true;
    const job: Bzip2Job = { piece, level: this.#level };
    return this.#share.run({
      size: 0,
      open: async () => ({ job, release: () => {} }),
      runHere: async () => new Libbz2(this.#libbz2).compress(piece, this.#level),
    });
  }

  /** Resolves once no thread works for this encoder. */
  async close(): Promise<void> {
    await this.#share.close();
  }
}
