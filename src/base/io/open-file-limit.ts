import { readFileSync } from 'node:fs';
import { DimgxError, isSystemError } from '../../errors.js';

/** Whether the process or the machine has reached its limit of open files. */
export function isTooManyFiles(failure: unknown): failure is Error {
  return isSystemError(failure, 'EMFILE', 'ENFILE');
}

/** The same for an error that already has a dimgx code. */
export function isCodedTooMany(failure: unknown): boolean {
  return failure instanceof DimgxError && failure.code === 'DIMGX_TOO_MANY_FILES';
}

export function tooManyFiles(cause: Error): DimgxError {
  const message = 'too many files are open: raise the limit (ulimit -n), or do less in parallel';
  return new DimgxError('DIMGX_TOO_MANY_FILES', message, { cause });
}

/** Gives an operating system error a code: DIMGX_TOO_MANY_FILES if too many files are open, else that of `coded`. */
export function orTooManyFiles(cause: unknown, coded: DimgxError): DimgxError {
  return isTooManyFiles(cause) ? tooManyFiles(cause) : coded;
}

let known: number | undefined;

/** Maximum number of descriptors of the process; `undefined` if unknown. Source: proc_pid_limits(5) */
export function descriptorLimit(): number | undefined {
  known ??= readLimit();
  return Number.isFinite(known) ? known : undefined;
}

function readLimit(): number {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return limit === undefined ? Number.POSITIVE_INFINITY : Number(limit);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
