import { constants } from 'node:os';
import { ERRORS, type ErrorCode, type ExitCode, type WarningCode } from './error-table.js';

export { ERRORS, type ErrorCode, type ExitCode, WARNINGS, type WarningCode } from './error-table.js';

/**
 * One of several images or platforms to choose from. Its strings are raw, as stored in the image; escape them to print.
 */
export interface Choice {
  readonly names: readonly string[];
  /** `image`, `index`, or another short description. */
  readonly kind: string;
  readonly platform?: { readonly os: string; readonly architecture: string; readonly variant?: string };
  /** Digest of the manifest, or of the config in Docker archives. */
  readonly digest?: string;
  /** Whether all its documents and layers are present; absent if not checked. */
  readonly isWhole?: boolean;
}

/** An option of the library that may avoid an error. */
export type HelpfulOption =
  | 'allowForeignLayers'
  | 'blobs'
  | 'caFile'
  | 'certDir'
  | 'host'
  | 'image'
  | 'insecure'
  | 'offline'
  | 'platform'
  | 'pull';

/** Machine-readable details of an error, besides its message. Each is present when known. */
export interface ErrorDetails {
  /** `Layer.name` of the layer the error is about. */
  readonly layer?: string;
  /** Path of the entry, document, source or target the error is about; printable. */
  readonly path?: string;
  /** The raw bytes of `path`. */
  readonly rawPath?: Uint8Array;
  /** The alternatives the caller could choose from. */
  readonly choices?: readonly Choice[];
  /** The registry that wants credentials, or other ones: `HOST[:PORT]`, printable. */
  readonly registry?: string;
  /** The options that may avoid the error, where the code alone does not tell. */
  readonly options?: readonly HelpfulOption[];
}

/** The only error class the library throws. `cause` holds the operating system's error, if there is one. */
export class DimgxError extends Error implements ErrorDetails {
  override readonly name = 'DimgxError';
  /** With `strictInput`, a warning is thrown as an error and keeps its code. */
  readonly code: ErrorCode | WarningCode;
  declare readonly layer?: string;
  declare readonly path?: string;
  declare readonly rawPath?: Uint8Array;
  declare readonly choices?: readonly Choice[];
  declare readonly registry?: string;
  declare readonly options?: readonly HelpfulOption[];

  /** @param message what happened, to what, and what to do; without the code */
  constructor(
    code: ErrorCode | WarningCode,
    message: string,
    { cause, ...details }: ErrorDetails & { readonly cause?: unknown } = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    Object.assign(this, details);
  }

  /** Its machine-readable details. */
  get details(): ErrorDetails {
    const { layer, path, rawPath, choices, registry, options } = this;
    const known = { layer, path, rawPath, choices, registry, options };
    const details = Object.entries(known).filter(([, value]) => value !== undefined);
    return Object.fromEntries(details);
  }

  /** The same error, reworded by a stage that knows more. This error becomes the `cause` of the new one. */
  retold(message: string, more: ErrorDetails = {}): DimgxError {
    return new DimgxError(this.code, message, { ...this.details, ...more, cause: this });
  }

  /** Exit code of the process when this error ends it. */
  get exitCode(): ExitCode {
    return this.code in ERRORS ? ERRORS[this.code as ErrorCode].exit : 2;
  }
}

/** The error for an argument that has a wrong type, which a caller without a type checker may pass. */
export function wrongType(what: string, must: string, value: unknown): DimgxError {
  return new DimgxError('DIMGX_OPTION_INVALID', `${what} must be ${must}, not of type ${typeof value}`);
}

/** An oddity that did not stop the work. */
export interface Warning {
  readonly code: WarningCode;
  /** What is odd, and where; printable. If there were several alike, describes the first. */
  readonly message: string;
  /** Number of occurrences: one warning covers all of its kind in a layer. */
  readonly count: number;
  /** Which of several reasons for its code it has: warnings of other reasons are not alike. */
  readonly reason?: string;
}

/** Called with each warning as it arises. Throw from it to turn the warning into an error. */
export type Warn = (warning: Warning) => void;

/** How the caller wants oddities in the input handled. */
interface WarningOptions {
  readonly onWarning?: Warn | undefined;
  /** Warnings about the input become errors. */
  readonly strictInput?: boolean | undefined;
}

/** Returns a handler for warnings about the input: it passes them on, or throws them as errors. */
export function inputWarner({ onWarning, strictInput }: WarningOptions): Warn {
  return (warning) => {
    if (strictInput) throw new DimgxError(warning.code, warning.message);
    onWarning?.(warning);
  };
}

/** Abort reason of a signal that dimgx itself aborts: the work ends with this failure. */
export class Interruption extends Error {
  readonly failure: DimgxError;

  constructor(failure: DimgxError) {
    super(failure.message, { cause: failure });
    this.failure = failure;
  }
}

/** @throws the error that ended the work, usually DIMGX_ABORTED */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortedBy(signal);
}

/** The error that ended the work: DIMGX_ABORTED, or the failure carried by an `Interruption`. */
export function abortedBy(signal: AbortSignal): DimgxError {
  if (signal.reason instanceof Interruption) return signal.reason.failure;
  return new DimgxError('DIMGX_ABORTED', 'the work was cancelled', { cause: signal.reason });
}

/** The error of work on an image that its caller has closed. */
export function imageClosed(): DimgxError {
  return new DimgxError('DIMGX_ABORTED', 'the image was closed');
}

/**
 * Whether this is an error of the operating system with one of the codes (`ENOENT`, …), or with any code if none is
 * given.
 */
export function isSystemError(failure: unknown, ...codes: string[]): failure is NodeJS.ErrnoException {
  if (!(failure instanceof Error) || !('syscall' in failure) || !('code' in failure)) return false;
  return codes.length === 0 || codes.includes(String(failure.code));
}

/** Number of the error that a user's disk quota is used up. Node has no name for it. */
export const QUOTA_USED_UP = -constants.errno.EDQUOT;
