import { DimgxError } from '../../errors.js';
import { isSystemError } from './system-error.js';

/** Whether the process, or the machine, has as many files open as it may have. */
export function isTooManyFiles(failure: unknown): failure is Error {
  return isSystemError(failure, 'EMFILE', 'ENFILE');
}

/** The same of an error that has its code already. */
export function isCodedTooMany(failure: unknown): boolean {
  return failure instanceof DimgxError && failure.code === 'DIMGX_TOO_MANY_FILES';
}

export function tooManyFiles(cause: Error): DimgxError {
  const message = 'too many files are open: raise the limit (ulimit -n), or do less at the same time';
  return new DimgxError('DIMGX_TOO_MANY_FILES', message, { cause });
}

/** An error of the operating system that gets a code: its own where too many files are open. */
export function orTooManyFiles(cause: unknown, coded: DimgxError): DimgxError {
  return isTooManyFiles(cause) ? tooManyFiles(cause) : coded;
}
