import { imageClosed } from '../../errors.js';
import type { OpenJob, ThreadTask } from './thread-task.js';

/** A waiting or running task. */
export interface QueuedTask {
  readonly task: ThreadTask<unknown>;
  share: ThreadShare;
  /** Set while a thread works on it. */
  open?: OpenJob;
  resolve(report: unknown): void;
  reject(failure: unknown): void;
}

/** What a share needs from its pool. */
export interface SharedPool {
  /** Starts waiting tasks if possible. */
  wake(): void;
  /** Whether a task would start at once. */
  readonly hasRoom: boolean;
  enter(share: ThreadShare): void;
  /** Ends the threads that work for a share, and starts no more of its tasks. */
  leave(share: ThreadShare): Promise<void>;
}

export interface ShareOptions {
  /** Maximum number of threads working for this share at once. */
  readonly threads: number;
  /** Number of threads outside the pool that work for the share's user. */
  readonly others?: () => number;
}

/** One user's share of a thread pool. Its failures, and its end, do not affect other shares. */
export class ThreadShare {
  readonly #pool: SharedPool;
  readonly #options: ShareOptions;
  readonly waiting: QueuedTask[] = [];
  /** Number of running tasks. */
  running = 0;
  isFinishing = false;
  #closing: Promise<void> | undefined;

  constructor(pool: SharedPool, options: ShareOptions) {
    this.#pool = pool;
    this.#options = options;
    pool.enter(this);
  }

  /** Whether a waiting task may start. */
  get isHungry(): boolean {
    const { threads, others } = this.#options;
    return this.waiting.length > 0 && this.running + (others?.() ?? 0) < Math.max(1, threads);
  }

  /** @throws what the task fails with; DIMGX_ABORTED if the share is closed before the task is done */
  run<Report>(task: ThreadTask<Report>): Promise<Report> {
    return new Promise<Report>((resolve, reject) => {
      this.take({ task, share: this, resolve: (report) => resolve(report as Report), reject });
    });
  }

  /** Runs a task if it can start at once. */
  tryRun<Report>(task: ThreadTask<Report>): Promise<Report> | undefined {
    return this.#pool.hasRoom && !this.#closing ? this.run(task) : undefined;
  }

  take(entry: QueuedTask): void {
    if (this.#closing) {
      entry.reject(imageClosed());
      return;
    }
    entry.share = this;
    this.waiting.push(entry);
    this.#pool.enter(this);
    queueMicrotask(() => this.#pool.wake()); // defer, so that all tasks queued together can be compared
  }

  /** Removes and returns the tasks that have not started. */
  withdraw(): readonly QueuedTask[] {
    return this.waiting.splice(0);
  }

  takeLargest(): QueuedTask | undefined {
    const entry = this.waiting.toSorted((a, b) => b.task.size - a.task.size)[0];
    if (entry) this.waiting.splice(this.waiting.indexOf(entry), 1);
    return entry;
  }

  /** Call when the number of threads outside the pool has changed. */
  wake(): void {
    this.#pool.wake();
  }

  /** Call when no more tasks will come. The pool's threads end when no share needs them. */
  finish(): void {
    this.isFinishing = true;
    this.#pool.wake();
  }

  /** Ends running and waiting tasks. Each call waits until no thread works for the share. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.isFinishing = true;
    for (const { reject } of this.waiting.splice(0)) reject(imageClosed());
    await this.#pool.leave(this);
  }
}
