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
