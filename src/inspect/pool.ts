import { availableParallelism } from 'node:os';
import { checkOptions, requireThat } from '../base/call/check-options.js';
import { Slots } from '../base/worker/slots.js';
import { ThreadPool } from '../base/worker/thread-pool.js';

/** Layers that are decoded in this thread at once: node:zlib does the work in as many threads of its own. */
const DECODED_HERE = 4;

/** Threads that several calls share; made by `createPool`. */
export interface Pool {
  /** That decode layers at once at most. */
  readonly threads: number;
}

/** What the inspections of a process share. */
export class InspectionPool implements Pool {
  readonly threads: number;
  /** In which layers are decoded, hashed and indexed. */
  readonly workers: ThreadPool;
  /** In which what arrives is read behind the one that writes it: they wait most of the time. */
  readonly followers: ThreadPool;
  /** For layers that are decoded in this thread. */
  readonly decodes = new Slots(DECODED_HERE);

  constructor(threads = availableParallelism()) {
    const url = () => new URL('./layer-worker.js', import.meta.url);
    this.threads = threads;
    this.workers = new ThreadPool({ url, threads });
    this.followers = new ThreadPool({ url, threads });
  }
}

export interface PoolOptions {
  /** That work at once at most; as many again may follow what is being downloaded. Default: the machine's processors. */
  readonly threads?: number | undefined;
}

/**
 * Makes threads that several calls share, apart from those that all calls share by default. They start when there is work for
 * them, and end when no call needs them: there is nothing to close.
 *
 * @throws DIMGX_CLI_USAGE
 */
export function createPool(options: PoolOptions = {}): Pool {
  checkOptions(options);
  return new InspectionPool(options.threads);
}

/** Of all calls that are not given one of their own. */
export const sharedPool = new InspectionPool();

/** The pool that a caller has given, else the one that all calls share. @throws DIMGX_CLI_USAGE */
export function poolFor(given: Pool | undefined): InspectionPool {
  if (given === undefined) return sharedPool;
  requireThat(given instanceof InspectionPool, 'the option pool', 'one that createPool gave', given);
  return given as InspectionPool;
}
