import { DimgxError } from '../../errors.js';
import { isSystemError } from './system-error.js';

/** Whether the process or the machine has reached its limit of open files. */
export function isTooManyFiles(failure: unknown): failure is Error {
  return isSystemError(failure, 'EMFILE', 'ENFILE');
}

/** The same for an error that already has a dimgx code. */
export function isCodedTooMany(failure: unknown): boolean {
  return failure instanceof DimgxError && failure.code === 'DIMGX_TOO_MANY_FILES';
}

export function tooManyFiles(cause: Error): DimgxError {
  const message = 'too many files are open: raise the limit (ulimit -n), or do less at the same time';
  return new DimgxError('DIMGX_TOO_MANY_FILES', message, { cause });
}

/** Gives an operating system error a code: DIMGX_TOO_MANY_FILES if too many files are open, else that of `coded`. */
export function orTooManyFiles(cause: unknown, coded: DimgxError): DimgxError {
  return isTooManyFiles(cause) ? tooManyFiles(cause) : coded;
}
