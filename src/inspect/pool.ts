import { availableParallelism } from 'node:os';
import { Slots } from '../threads/slots.js';
import { ThreadPool } from '../threads/thread-pool.js';

/** Layers that are decoded in this thread at once: node:zlib does the work in as many threads of its own. */
const DECODED_HERE = 4;

/** What the inspections of a process share. */
export interface Pool {
  /** In which layers are decoded, hashed and indexed. */
  readonly workers: ThreadPool;
  /** In which what arrives is read behind the one that writes it: they wait most of the time. */
  readonly followers: ThreadPool;
  /** For layers that are decoded in this thread. */
  readonly decodes: Slots;
}

export interface PoolOptions {
  /** That work at once at most; as many again may follow what is being downloaded. Default: the machine's processors. */
  readonly threads?: number | undefined;
}

/**
 * Makes threads that several calls share, apart from those that all calls share by default. They start when there is work for
 * them, and end when no call needs them: there is nothing to close.
 */
export function createPool({ threads = availableParallelism() }: PoolOptions = {}): Pool {
  const url = new URL('./layer-worker.js', import.meta.url);
  return {
    workers: new ThreadPool({ url, threads }),
    followers: new ThreadPool({ url, threads }),
    decodes: new Slots(DECODED_HERE),
  };
}

/** Of all calls that are not given one of their own. */
export const sharedPool: Pool = createPool();
