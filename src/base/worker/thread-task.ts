import type { ErrorDetails } from '../../errors.js';

/** An opened job for a thread. `job` is sent with `postMessage`. */
export interface OpenJob {
  readonly job: unknown;
  /** Call when no thread works on the job any more. */
  release(): void;
}

/** Work for a thread. */
export interface ThreadTask<Report> {
  /** Priority: the largest waiting task of a share starts first. */
  readonly size: number;
  /** Called when a thread is available. If it throws, the task fails with that error. */
  open(): Promise<OpenJob>;
  /** Does the work in the current thread, if no other can be started. */
  runHere(): Promise<Report>;
  /** Called with the thread's progress messages. */
  onProgress?(progress: unknown): void;
}

/** Messages from a thread while and after it does a job. */
export type ThreadAnswer =
  /** Sent first, once its code is loaded. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'progress'; readonly progress: unknown }
  | { readonly kind: 'done'; readonly report: unknown }
  | {
      readonly kind: 'failed';
      readonly code: string;
      readonly message: string;
      readonly stack: string | undefined;
      readonly details: ErrorDetails;
    };

/** Startup data of a thread. */
export interface ThreadData {
  /** Memory of a `TerminationGate`. */
  readonly gate: SharedArrayBuffer;
  readonly data: unknown;
}

const OPEN = 0;
const HELD = 1;
const SHUT = 2;

/**
 * Keeps a thread from being terminated during work that must not be interrupted. A thread terminated between the
 * creation and initialization of a zlib stream takes the whole process down (Node 20 to 24: "close before init").
 */
export class TerminationGate {
  /** Pass this to the thread. */
  readonly memory: SharedArrayBuffer;
  readonly #state: Int32Array;

  constructor(memory = new SharedArrayBuffer(4)) {
    this.memory = memory;
    this.#state = new Int32Array(memory);
  }

  /** In the thread: does the work, unless the thread is about to be terminated. In that case, blocks until it is. */
  hold<T>(work: () => T): T {
    while (Atomics.compareExchange(this.#state, 0, OPEN, HELD) === SHUT) Atomics.wait(this.#state, 0, SHUT);
    try {
      return work();
    } finally {
      Atomics.store(this.#state, 0, OPEN);
    }
  }

  /** Outside: resolves once the thread can be terminated, and makes later `hold` calls block. */
  async shut(): Promise<void> {
    while (Atomics.compareExchange(this.#state, 0, OPEN, SHUT) === HELD) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}
