import { Worker } from 'node:worker_threads';
import type { Bzip2WorkerData } from './bzip2-worker.js';

interface Task {
  readonly piece: Buffer;
  readonly resolve: (stream: Uint8Array) => void;
  readonly reject: (error: unknown) => void;
}

/** Threads that compress pieces in the order they come. They start when there is work for them. */
export class Bzip2Threads {
  readonly #threads: number;
  readonly #data: Bzip2WorkerData;
  readonly #waiting: Task[] = [];
  readonly #idle: Worker[] = [];
  readonly #busy = new Map<Worker, Task>();
  readonly #ended = new Map<Worker, Promise<void>>();

  constructor(threads: number, data: Bzip2WorkerData) {
    this.#threads = threads;
    this.#data = data;
  }

  get hasStarted(): boolean {
    return this.#ended.size > 0;
  }

  /** @returns a stream of the piece */
  compress(piece: Buffer): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ piece, resolve, reject });
      this.#next();
    });
  }

  /**
   * Resolves when no thread runs any more. None is cut short: each does the piece that it is at, a part of a second's work,
   * and then ends.
   */
  async close(): Promise<void> {
    this.#fail(this.#waiting.splice(0), new Error('the compression was given up'));
    for (const worker of this.#ended.keys()) {
      worker.ref();
      worker.postMessage(null);
    }
    await Promise.all(this.#ended.values());
  }

  #next(): void {
    for (let task = this.#waiting[0]; task; task = this.#waiting[0]) {
      const worker = this.#idle.pop() ?? (this.#ended.size < this.#threads ? this.#start() : undefined);
      if (!worker) return;
      this.#waiting.shift();
      this.#busy.set(worker, task);
      worker.ref();
      worker.postMessage(task.piece);
    }
  }

  #start(): Worker {
    // Without this process's own options: some, such as `--input-type`, keep a thread from starting.
    const worker = new Worker(new URL('./bzip2-worker.js', import.meta.url), { execArgv: [], workerData: this.#data });
    const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    this.#ended.set(
      worker,
      ended.then(() => this.#lose(worker, new Error('a thread ended before its work'))),
    );
    worker.on('message', (stream: Uint8Array) => this.#take(worker, stream));
    worker.on('error', (error) => this.#lose(worker, error));
    return worker;
  }

  #take(worker: Worker, stream: Uint8Array): void {
    const task = this.#busy.get(worker);
    this.#busy.delete(worker);
    this.#idle.push(worker);
    worker.unref();
    task?.resolve(stream);
    this.#next();
  }

  #lose(worker: Worker, error: unknown): void {
    const task = this.#busy.get(worker);
    this.#busy.delete(worker);
    this.#ended.delete(worker);
    const place = this.#idle.indexOf(worker);
    if (place >= 0) this.#idle.splice(place, 1);
    this.#fail(task ? [task, ...this.#waiting.splice(0)] : [], error);
  }

  #fail(tasks: readonly Task[], error: unknown): void {
    for (const { reject } of tasks) reject(error);
  }
}
