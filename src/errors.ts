import { ERRORS, type ErrorCode, type ExitCode, type WarningCode } from './error-table.js';

export { ERRORS, type ErrorCode, type ExitCode, WARNINGS, type WarningCode } from './error-table.js';

/** One of several images or platforms that could be chosen. Texts stand as the image has them, not printable yet. */
export interface Choice {
  readonly names: readonly string[];
  /** `image`, `index`, or what else it is, in a word or two. */
  readonly kind: string;
  readonly platform?: { readonly os: string; readonly architecture: string; readonly variant?: string };
  /** Of the manifest; in archives of Docker, of the config. */
  readonly digest?: string;
  /** Whether all its documents and layers are there; absent where nobody has looked. */
  readonly isWhole?: boolean;
}

/** What an error tells a program beside its text. Each part is there where it is known. */
export interface ErrorDetails {
  /** `Layer.name` of the layer that it is about. */
  readonly layer?: string;
  /** Of the entry, document, source or target that it is about; printable. */
  readonly path?: string;
  /** The bytes of `path`, as they are. */
  readonly rawPath?: Uint8Array;
  /** What could have been chosen instead. */
  readonly choices?: readonly Choice[];
}

/** The one kind of error that leaves the library. `cause` holds the error of the operating system, if there is one. */
export class DimgxError extends Error implements ErrorDetails {
  override readonly name = 'DimgxError';
  /** With `strictInput` a warning is raised as an error and keeps its code. */
  readonly code: ErrorCode | WarningCode;
  declare readonly layer?: string;
  declare readonly path?: string;
  declare readonly rawPath?: Uint8Array;
  declare readonly choices?: readonly Choice[];

  /**
   * @param message what happened, to what, and what to do; without the code
   */
  constructor(
    code: ErrorCode | WarningCode,
    message: string,
    { cause, ...details }: ErrorDetails & { readonly cause?: unknown } = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    Object.assign(this, details);
  }

  /** What it tells a program beside its text. */
  get details(): ErrorDetails {
    const { layer, path, rawPath, choices } = this;
    const details = Object.entries({ layer, path, rawPath, choices }).filter(([, value]) => value !== undefined);
    return Object.fromEntries(details);
  }

  /** The same error in the words of a stage that knows more about it. This one becomes its cause. */
  retold(message: string, more: ErrorDetails = {}): DimgxError {
    return new DimgxError(this.code, message, { ...this.details, ...more, cause: this });
  }

  /** What the process exits with when this error ends it. */
  get exitCode(): ExitCode {
    return this.code in ERRORS ? ERRORS[this.code as ErrorCode].exit : 2;
  }
}

/** Something odd that was survived. */
export interface Warning {
  readonly code: WarningCode;
  /** What is odd, and where; printable. Of several alike, the first. */
  readonly message: string;
  /** How often this was met: one warning stands for all of its kind in a layer. */
  readonly count: number;
}

/** Takes warnings as they arise. Throws to make of one an error. */
export type Warn = (warning: Warning) => void;

/** How a caller wants oddities of the input treated. */
export interface WarningOptions {
  readonly onWarning?: Warn | undefined;
  /** Warnings about the input become errors. */
  readonly strictInput?: boolean | undefined;
}

/** What to do with warnings about the input: pass them on, or make errors of them. */
export function inputWarner({ onWarning, strictInput }: WarningOptions): Warn {
  return (warning) => {
    if (strictInput) throw new DimgxError(warning.code, warning.message);
    onWarning?.(warning);
  };
}

/** The reason of a signal that dimgx itself aborts: the work is to end with this failure. */
export class Interruption extends Error {
  readonly failure: DimgxError;

  constructor(failure: DimgxError) {
    super(failure.message, { cause: failure });
    this.failure = failure;
  }
}

/** @throws what ended the work, mostly DIMGX_ABORTED */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortedBy(signal);
}

/** What ended the work of a signal: DIMGX_ABORTED, or the failure that it was interrupted for. */
export function abortedBy(signal: AbortSignal): DimgxError {
  if (signal.reason instanceof Interruption) return signal.reason.failure;
  return new DimgxError('DIMGX_ABORTED', 'the work was cancelled', { cause: signal.reason });
}
