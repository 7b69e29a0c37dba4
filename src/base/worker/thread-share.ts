import { DimgxError } from '../../errors.js';
import type { OpenJob, ThreadTask } from './thread-task.js';

/** A task that waits or runs. */
export interface Entry {
  readonly task: ThreadTask<unknown>;
  share: ThreadShare;
  /** While a thread works on it. */
  open?: OpenJob;
  resolve(report: unknown): void;
  reject(failure: unknown): void;
}

/** What a share needs of its pool. */
export interface SharedPool {
  /** There is something to be begun. */
  wake(): void;
  /** Whether a task would be begun at once. */
  readonly hasRoom: boolean;
  enter(share: ThreadShare): void;
  /** Ends the threads that work for a share, and takes no more of its tasks. */
  leave(share: ThreadShare): Promise<void>;
}

export interface ShareOptions {
  /** That work at once for this share at most. */
  readonly threads: number;
  /** Threads that work for the share's user beside the pool's. */
  readonly others?: () => number;
}

/** One user's part of a pool of threads. What goes wrong in it, or ends it, does not touch others. */
export class ThreadShare {
  readonly #pool: SharedPool;
  readonly #options: ShareOptions;
  readonly waiting: Entry[] = [];
  /** Tasks that are worked on. */
  running = 0;
  isFinishing = false;
  #closing: Promise<void> | undefined;

  constructor(pool: SharedPool, options: ShareOptions) {
    this.#pool = pool;
    this.#options = options;
    pool.enter(this);
  }

  /** Whether a task waits that may be begun. */
  get isHungry(): boolean {
    const { threads, others } = this.#options;
    return this.waiting.length > 0 && this.running + (others?.() ?? 0) < Math.max(1, threads);
  }

  /** @throws what the task fails with; DIMGX_ABORTED when the share is closed before it is done */
  run<Report>(task: ThreadTask<Report>): Promise<Report> {
    return new Promise<Report>((resolve, reject) => {
      this.take({ task, share: this, resolve: (report) => resolve(report as Report), reject });
    });
  }

  /** Runs a task if it can be begun at once. */
  tryRun<Report>(task: ThreadTask<Report>): Promise<Report> | undefined {
    return this.#pool.hasRoom && !this.#closing ? this.run(task) : undefined;
  }

  take(entry: Entry): void {
    if (this.#closing) {
      entry.reject(closed());
      return;
    }
    entry.share = this;
    this.waiting.push(entry);
    this.#pool.enter(this);
    queueMicrotask(() => this.#pool.wake()); // when all that is asked for together is there to choose from
  }

  /** Takes back the tasks that have not been begun. */
  withdraw(): readonly Entry[] {
    return this.waiting.splice(0);
  }

  takeLargest(): Entry | undefined {
    const entry = this.waiting.toSorted((a, b) => b.task.size - a.task.size)[0];
    if (entry) this.waiting.splice(this.waiting.indexOf(entry), 1);
    return entry;
  }

  /** The threads beside the pool's have changed. */
  wake(): void {
    this.#pool.wake();
  }

  /** No more tasks will come: the pool's threads end when nobody needs them. */
  finish(): void {
    this.isFinishing = true;
    this.#pool.wake();
  }

  /** Ends the tasks that run and those that wait. However often it is called, it waits until no thread works for it. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.isFinishing = true;
    for (const { reject } of this.waiting.splice(0)) reject(closed());
    await this.#pool.leave(this);
  }
}

export function closed(): DimgxError {
  return new DimgxError('DIMGX_ABORTED', 'the image was closed');
}
