import { availableParallelism } from 'node:os';
import { Slots } from '../base/worker/slots.js';
import { ThreadPool } from '../base/worker/thread-pool.js';
import { checkOptions, requireThat } from '../check-options.js';

/** Layers decoded from this thread at once: node:zlib does the work in as many threads of its own. */
const DECODED_HERE = 4;

/** Threads shared by several calls. Made by `createPool`. */
export interface Pool {
  /** Maximum number of threads that decode layers at once. */
  readonly threads: number;
}

/** What the inspections of a process share. */
export class InspectionPool implements Pool {
  readonly threads: number;
  /** Threads that decode, hash and index layers. */
  readonly workers: ThreadPool;
  /** Threads that read arriving bytes behind their writer. They wait most of the time. */
  readonly followers: ThreadPool;
  /** Limits the layers that are decoded in this thread. */
  readonly decodes = new Slots(DECODED_HERE);

  constructor(threads = availableParallelism()) {
    const url = () => new URL('./layer-worker.js', import.meta.url);
    this.threads = threads;
    this.workers = new ThreadPool({ url, threads });
    this.followers = new ThreadPool({ url, threads });
  }
}

export interface PoolOptions {
  /**
   * Maximum number of threads working at once. As many again may follow downloads. Default: the machine's processors.
   */
  readonly threads?: number | undefined;
}

/**
 * Creates threads for several calls to share, separate from those that all calls share by default. They start when
 * there is work for them and end when no call needs them, so there is nothing to close.
 *
 * @throws DIMGX_OPTION_INVALID
 */
export function createPool(options: PoolOptions = {}): Pool {
  checkOptions(options);
  return new InspectionPool(options.threads);
}

/** The pool of all calls that are not given their own. */
export const sharedPool = new InspectionPool();

/** The pool given by the caller, or else the one that all calls share. @throws DIMGX_OPTION_INVALID */
export function poolFor(given: Pool | undefined): InspectionPool {
  if (given === undefined) return sharedPool;
  requireThat(given instanceof InspectionPool, 'the option pool', 'a pool from createPool', given);
  return given as InspectionPool;
}
