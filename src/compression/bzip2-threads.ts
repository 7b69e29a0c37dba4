import { availableParallelism } from 'node:os';
import { ThreadPool } from '../base/worker/thread-pool.js';
import type { ThreadShare } from '../base/worker/thread-share.js';
import type { Bzip2Job } from './bzip2-worker.js';
import { Libbz2 } from './libbz2.js';

/** Worker threads of the process, shared by all compressions under way. */
let pool: ThreadPool | undefined;

/** Worker threads that compress pieces for one encoder. They start when there is work. */
export class Bzip2Threads {
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
