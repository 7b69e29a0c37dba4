import type { Warn } from './errors.js';
import type { Limits } from './image/limits.js';

/** A step of the work, for progress bars. */
export interface Progress {
  readonly stage: 'open' | 'inspect' | 'extract' | 'verify';
  /** What is being worked on: a layer's name or the archive's; printable. */
  readonly item: string;
  /** In bytes. */
  readonly done: number;
  /** In bytes; `undefined` when it cannot be known. */
  readonly total: number | undefined;
}

/** What all functions of the library understand. */
export interface CommonOptions {
  /** Ends the work with DIMGX_ABORTED; everything held is given back. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
  readonly onWarning?: Warn;
  /** Warnings about the input become errors. Default false. */
  readonly strictInput?: boolean;
}
