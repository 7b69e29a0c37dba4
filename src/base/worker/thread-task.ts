import type { ErrorDetails } from '../../errors.js';

/** What a thread is given: it can be posted to it. */
export interface OpenJob {
  readonly job: unknown;
  /** To be called when no thread works on the job any more. */
  release(): void;
}

/** Work for a thread. */
export interface ThreadTask<Report> {
  /** Of the tasks that wait in one share, the largest is begun first. */
  readonly size: number;
  /** Called when there is a thread for it. What it throws is what the task fails with. */
  open(): Promise<OpenJob>;
  /** Does the work in this thread, when no other can be started. */
  runHere(): Promise<Report>;
  /** Gets what the thread says meanwhile. */
  onProgress?(progress: unknown): void;
}

/** What a thread says while and after it does a job. */
export type ThreadAnswer =
  /** First of all, when its code is loaded. */
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

/** What a thread is started with. */
export interface ThreadData {
  /** Of a `TerminationGate`. */
  readonly gate: SharedArrayBuffer;
  readonly data: unknown;
}
