import { Worker } from 'node:worker_threads';
import { DimgxError, type ErrorCode, type ErrorDetails, type WarningCode } from '../errors.js';
import type { OnBytes } from './index-layer.js';
import type { LayerReport } from './layer-job.js';
import type { LayerTask, OpenTask } from './layer-task.js';
import type { LocalLane } from './local-lane.js';
import { TerminationGate } from './termination-gate.js';

/** What a worker says while and after it does a job. */
export type WorkerAnswer =
  /** First of all, when its code is loaded. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'progress'; readonly bytes: number; readonly spooled: number }
  | { readonly kind: 'done'; readonly report: LayerReport }
  | {
      readonly kind: 'failed';
      readonly code: ErrorCode | WarningCode;
      readonly message: string;
      readonly stack: string | undefined;
      readonly details: ErrorDetails;
    };

/** So long headers are read in one thread only, in milliseconds: others take as long to start and to become quick. */
const PATIENCE = 400;

interface Task {
  readonly work: LayerTask;
  /** While it is worked on. */
  open?: OpenTask;
  readonly onBytes: OnBytes;
  readonly resolve: (report: LayerReport) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Worker threads that take layer jobs, the largest first, and this thread's lane, which reads headers beside them.
 * Threads start when there is work for them.
 */
export class WorkerPool {
  readonly #threads: number;
  readonly #lane: LocalLane | undefined;
  readonly #waiting: Task[] = [];
  readonly #idle: Worker[] = [];
  readonly #busy = new Map<Worker, Task>();
  /** Until a worker is ready, or has failed to become so, what `close` has to wait for. */
  readonly #starting = new Map<Worker, Promise<unknown>>();
  readonly #gates = new WeakMap<Worker, TerminationGate>();
  #laneTimer: NodeJS.Timeout | undefined;
  /** There is so much to index that a thread beside the lane is worth its start. */
  #isLaneLate = false;
  #isFinishing = false;
  readonly #retiring = new Set<Promise<void>>();
  #closing: Promise<unknown> | undefined;

  /** @param threads that work at once at most, this one among them; at least 1 */
  constructor(threads: number, lane?: LocalLane) {
    this.#threads = Math.max(1, threads);
    this.#lane = lane;
  }

  /** @throws what the job throws; DIMGX_ABORTED when the pool is closed before it is done */
  run(work: LayerTask, onBytes: OnBytes): Promise<LayerReport> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ work, onBytes, resolve, reject });
      queueMicrotask(() => this.#next()); // when all that is asked for together is there to choose from
    });
  }

  /** No more jobs will come: threads end as they run out of work. */
  finish(): void {
    this.#isFinishing = true;
    this.#next();
  }

  /** Ends the threads at once; jobs under way fail. However often it is called, it waits until no thread runs. */
  async close(): Promise<void> {
    this.#closing ??= this.#end();
    await this.#closing;
  }

  async #end(): Promise<void> {
    clearTimeout(this.#laneTimer);
    const workers = [...this.#idle.splice(0), ...this.#busy.keys()];
    const running = [...this.#busy.values()];
    const tasks = [...this.#waiting.splice(0), ...running];
    this.#busy.clear();
    for (const task of tasks) task.reject(new DimgxError('DIMGX_ABORTED', 'the image was closed'));
    // Ended while it loads its code, a thread leaves the files of that code open, for the life of the process.
    await Promise.all(workers.map((worker) => this.#starting.get(worker)));
    await Promise.all([...workers.map((worker) => this.#endThread(worker)), ...this.#retiring]);
    for (const { open } of running) open?.release();
  }

  /** Starts all that can be started now. */
  #next(): void {
    if (this.#closing) {
      for (const task of this.#waiting.splice(0)) task.reject(new DimgxError('DIMGX_ABORTED', 'the image was closed'));
      return;
    }
    this.#fillLane();
    while (this.#busy.size + (this.#lane?.isBusy ? 1 : 0) < this.#threads) {
      const task = this.#takeLargest();
      if (!task) break;
      const worker = this.#idle.pop() ?? this.#start();
      this.#busy.set(worker, task);
      worker.ref();
      void this.#begin(worker, task);
    }
    if (this.#isFinishing && this.#waiting.length === 0)
      for (const worker of this.#idle.splice(0)) this.#retire(worker);
  }

  /** The longest work is begun first, so that threads end together. */
  #takeLargest(): Task | undefined {
    const isForThreads = ({ work }: Task) => work.kind !== 'index' || !this.#lane || this.#isLaneLate;
    const task = this.#waiting.filter(isForThreads).toSorted((a, b) => sizeOf(b) - sizeOf(a))[0];
    if (task) this.#waiting.splice(this.#waiting.indexOf(task), 1);
    return task;
  }

  #retire(worker: Worker): void {
    const ended = this.#endThread(worker).finally(() => this.#retiring.delete(ended));
    this.#retiring.add(ended);
  }

  async #endThread(worker: Worker): Promise<void> {
    await this.#gates.get(worker)?.shut();
    await worker.terminate();
  }

  /** With the smallest layer first: what the optimiser has not yet seen in it costs least there. */
  #fillLane(): void {
    const lane = this.#lane;
    if (!lane || lane.isBusy) return;
    const waiting = this.#waiting.filter(({ work }) => work.kind === 'index');
    const task = waiting.toSorted((a, b) => sizeOf(a) - sizeOf(b))[0];
    if (!task) return;
    this.#waiting.splice(this.#waiting.indexOf(task), 1);
    this.#laneTimer ??= setTimeout(() => {
      this.#isLaneLate = true;
      this.#next();
    }, PATIENCE).unref();
    const done = lane.run(task.work, task.onBytes).then(task.resolve, task.reject);
    done.then(() => this.#next());
  }

  #start(): Worker {
    // Without this process's own options: some, such as `--input-type`, keep a thread from starting.
    const gate = new TerminationGate();
    const url = new URL('./layer-worker.js', import.meta.url);
    const worker = new Worker(url, { execArgv: [], workerData: gate.memory });
    this.#gates.set(worker, gate);
    const ready = new Promise((resolve) => worker.once('message', resolve).once('exit', resolve));
    this.#starting.set(
      worker,
      ready.then(() => this.#starting.delete(worker)),
    );
    worker.on('message', (answer: WorkerAnswer) => this.#take(worker, answer));
    worker.on('error', (error) => this.#lose(worker, error));
    worker.on('exit', () => this.#lose(worker, new Error('a worker thread ended')));
    return worker;
  }

  #take(worker: Worker, answer: WorkerAnswer): void {
    const task = this.#busy.get(worker);
    if (!task || answer.kind === 'ready') return;
    if (answer.kind === 'progress') {
      tell(task, answer);
      return;
    }
    this.#rest(worker, task);
    if (answer.kind === 'done') task.resolve(answer.report);
    else task.reject(new DimgxError(answer.code, answer.message, { ...answer.details, cause: answer.stack }));
    this.#next();
  }

  /** Opens the task's files, and hands its job to the thread. */
  async #begin(worker: Worker, task: Task): Promise<void> {
    try {
      const open = await task.work.open();
      if (this.#busy.get(worker) !== task) return open.release();
      task.open = open;
      worker.postMessage(open.job);
    } catch (failure) {
      if (this.#busy.get(worker) === task) this.#rest(worker, task);
      task.reject(failure);
      this.#next();
    }
  }

  #rest(worker: Worker, task: Task): void {
    task.open?.release();
    this.#busy.delete(worker);
    this.#idle.push(worker);
    worker.unref();
  }

  #lose(worker: Worker, error: unknown): void {
    const task = this.#busy.get(worker);
    task?.open?.release();
    this.#busy.delete(worker);
    const place = this.#idle.indexOf(worker);
    if (place >= 0) this.#idle.splice(place, 1);
    task?.reject(new DimgxError('DIMGX_INTERNAL', 'a worker thread ended before its work', { cause: error }));
    this.#next();
  }
}

function sizeOf({ work }: Task): number {
  return work.size;
}

/** Thrown out of here, what a caller's function throws would end the process. */
function tell({ onBytes, reject }: Task, { bytes, spooled }: { bytes: number; spooled: number }): void {
  try {
    onBytes(bytes, spooled);
  } catch (error) {
    reject(error);
  }
}
