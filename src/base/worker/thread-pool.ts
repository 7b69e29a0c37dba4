import { Worker } from 'node:worker_threads';
import { DimgxError, type ErrorCode, imageClosed, type WarningCode } from '../../errors.js';
import { type QueuedTask, type SharedPool, type ShareOptions, ThreadShare } from './thread-share.js';
import { TerminationGate, type ThreadAnswer, type ThreadData } from './thread-task.js';

export interface ThreadPoolOptions {
  /** Returns the URL of the threads' code. May throw, as in a bundle that does not know its own location. */
  readonly url: () => URL;
  /** Maximum number of threads running at once. */
  readonly threads: number;
  /** Passed to each thread. */
  readonly data?: unknown;
}

/** Time to wait before starting another thread after the system has refused one, in milliseconds. */
const PATIENCE = 1000;

/**
 * A pool of threads for several users, each with its own share. The share with the fewest running tasks is served next.
 * Threads start when there is work for them, and end when no share expects more. If none can be started, the work is
 * done in this thread.
 */
export class ThreadPool implements SharedPool {
  readonly #options: ThreadPoolOptions;
  /** Shares that expect work; the one served last is at the end. */
  readonly #shares = new Set<ThreadShare>();
  readonly #idle: Worker[] = [];
  readonly #busy = new Map<Worker, QueuedTask>();
  readonly #ending = new Set<Worker>();
  /** Promises that settle when a starting worker is ready or has failed to start. Ending it has to wait for that. */
  readonly #starting = new Map<Worker, Promise<unknown>>();
  readonly #gates = new WeakMap<Worker, TerminationGate>();
  #refusedUntil = 0;

  constructor(options: ThreadPoolOptions) {
    this.#options = options;
  }

  share(options: ShareOptions): ThreadShare {
    return new ThreadShare(this, options);
  }

  get hasRoom(): boolean {
    return this.#size < this.#options.threads && performance.now() >= this.#refusedUntil;
  }

  enter(share: ThreadShare): void {
    this.#shares.add(share);
  }

  async leave(share: ThreadShare): Promise<void> {
    this.#shares.delete(share);
    const own = [...this.#busy].filter(([, entry]) => entry.share === share);
    for (const [worker, entry] of own) {
      this.#busy.delete(worker);
      this.#ending.add(worker);
      entry.reject(imageClosed());
    }
    await Promise.all(
      own.map(async ([worker, entry]) => {
        // A thread that is ended while it loads its code leaves the files of that code open for the life of the
        // process.
        await this.#starting.get(worker);
        await this.#endThread(worker);
        entry.open?.release();
      }),
    );
    this.wake();
  }

  /** Starts all tasks that can start now. */
  wake(): void {
    while (this.#size < this.#options.threads) {
      const share = this.#hungriest();
      if (!share) break;
      const worker = this.#idle.pop() ?? this.#start();
      if (!worker && this.#busy.size > 0) break;
      const entry = share.takeLargest() as QueuedTask;
      share.running++;
      this.#shares.delete(share);
      this.#shares.add(share);
      if (worker) this.#assign(worker, entry);
      else void this.#runHere(entry);
    }
    for (const share of this.#shares) if (share.isFinishing && share.waiting.length === 0) this.#shares.delete(share);
    if (this.#shares.size === 0) for (const worker of this.#idle.splice(0)) void this.#retire(worker);
  }

  /** Number of threads that work or have not ended yet. */
  get #size(): number {
    return this.#busy.size + this.#ending.size;
  }

  #hungriest(): ThreadShare | undefined {
    const hungry = [...this.#shares].filter(({ isHungry }) => isHungry);
    return hungry.reduce<ThreadShare | undefined>(
      (least, share) => (least && least.running <= share.running ? least : share),
      undefined,
    );
  }

  #assign(worker: Worker, entry: QueuedTask): void {
    this.#busy.set(worker, entry);
    worker.ref();
    void this.#begin(worker, entry);
  }

  /** Opens what the task needs, and passes its job to the thread. */
  async #begin(worker: Worker, entry: QueuedTask): Promise<void> {
    try {
      const open = await entry.task.open();
      if (this.#busy.get(worker) !== entry) return open.release();
      entry.open = open;
      worker.postMessage(open.job);
    } catch (failure) {
      if (this.#busy.get(worker) === entry) this.#rest(worker, entry);
      entry.reject(failure);
      this.wake();
    }
  }

  async #runHere(entry: QueuedTask): Promise<void> {
    try {
      entry.resolve(await entry.task.runHere());
    } catch (failure) {
      entry.reject(failure);
    } finally {
      entry.share.running--;
      this.wake();
    }
  }

  /** @returns `undefined` if the system, or the runtime, allows no more */
  #start(): Worker | undefined {
    // Deno's threads do not share file descriptors.
    if (performance.now() < this.#refusedUntil || 'deno' in process.versions) return undefined;
    const gate = new TerminationGate();
    const workerData: ThreadData = { gate: gate.memory, data: this.#options.data };
    let worker: Worker;
    try {
      // Drop this process's own options: some, such as `--input-type`, keep a thread from starting.
      worker = new Worker(this.#options.url(), { execArgv: [], workerData });
    } catch {
      this.#refusedUntil = performance.now() + PATIENCE;
      return undefined;
    }
    this.#gates.set(worker, gate);
    const ready = new Promise((resolve) => worker.once('message', resolve).once('exit', resolve));
    this.#starting.set(
      worker,
      ready.then(() => this.#starting.delete(worker)),
    );
    worker.on('message', (answer: ThreadAnswer) => this.#take(worker, answer));
    worker.on('error', (error) => this.#lose(worker, error));
    worker.on('exit', () => this.#lose(worker, new Error('a worker thread ended')));
    return worker;
  }

  #take(worker: Worker, answer: ThreadAnswer): void {
    const entry = this.#busy.get(worker);
    if (!entry || answer.kind === 'ready') return;
    if (answer.kind === 'progress') {
      reportProgress(entry, answer.progress);
      return;
    }
    this.#rest(worker, entry);
    if (answer.kind === 'done') entry.resolve(answer.report);
    else {
      const { code, message, stack, details } = answer;
      entry.reject(new DimgxError(code as ErrorCode | WarningCode, message, { cause: stack, ...details }));
    }
    this.wake();
  }

  #rest(worker: Worker, entry: QueuedTask): void {
    entry.open?.release();
    entry.share.running--;
    this.#busy.delete(worker);
    this.#idle.push(worker);
    worker.unref();
  }

  #lose(worker: Worker, error: unknown): void {
    const entry = this.#busy.get(worker);
    this.#busy.delete(worker);
    const place = this.#idle.indexOf(worker);
    if (place >= 0) this.#idle.splice(place, 1);
    if (!entry) return;
    entry.open?.release();
    delete entry.open;
    entry.share.running--;
    if (this.#starting.has(worker)) {
      // It has not begun: requeue the task for another thread, or for this one.
      this.#refusedUntil = performance.now() + PATIENCE;
      entry.share.take(entry);
    } else {
      entry.reject(
        new DimgxError('DIMGX_INTERNAL', 'a worker thread ended before its work was done', { cause: error }),
      );
    }
    this.wake();
  }

  async #retire(worker: Worker): Promise<void> {
    this.#ending.add(worker);
    await this.#endThread(worker);
    this.wake();
  }

  async #endThread(worker: Worker): Promise<void> {
    await this.#gates.get(worker)?.shut();
    await worker.terminate();
    this.#ending.delete(worker);
  }
}

/** Rejects the task if the caller's callback throws; thrown from here, the error would end the process. */
function reportProgress({ task, reject }: QueuedTask, progress: unknown): void {
  try {
    task.onProgress?.(progress);
  } catch (error) {
    reject(error);
  }
}
