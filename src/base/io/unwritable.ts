import { DimgxError, type ErrorDetails, QUOTA_USED_UP } from '../../errors.js';
import { quoted, reasonOf, withoutCall } from '../text/printable.js';
import { isTooManyFiles, tooManyFiles } from './open-file-limit.js';

/** Error codes that mean the reader of a pipe, a socket or a stream is gone. */
const READER_GONE: ReadonlySet<unknown> = new Set([
  'EPIPE',
  'ECONNRESET',
  'ERR_HTTP2_INVALID_STREAM',
  'ERR_STREAM_ALREADY_FINISHED',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ERR_STREAM_WRITE_AFTER_END',
]);
const NO_ROOM: ReadonlySet<unknown> = new Set(['ENOSPC', 'EFBIG']);

/**
 * Converts an error from the operating system or a stream into a `DimgxError`.
 *
 * @param target as the caller named it
 * @param error anything: streams may fail with a value that is not an `Error`
 * @returns DIMGX_TARGET_CLOSED, DIMGX_TARGET_NO_SPACE, DIMGX_TOO_MANY_FILES or DIMGX_TARGET_UNWRITABLE; a `DimgxError`
 *   is returned unchanged
 */
export function unwritable(target: string | Uint8Array, error: unknown, details: ErrorDetails = {}): DimgxError {
  if (error instanceof DimgxError) return error;
  const options = { ...details, cause: error };
  const name = target === 'standard output' ? target : quoted(target);
  if (isReaderGone(error)) {
    return new DimgxError('DIMGX_TARGET_CLOSED', `the reader of ${name} went away`, options);
  }
  if (isTooManyFiles(error)) return tooManyFiles(error);
  const { code, errno } = signs(error);
  if (NO_ROOM.has(code) || errno === QUOTA_USED_UP) {
    const text = `there is no space left to write ${name}: free some, or choose another place`;
    return new DimgxError('DIMGX_TARGET_NO_SPACE', text, options);
  }
  const text = `${name} cannot be written (${withoutCall(reasonOf(error))}): choose another place`;
  return new DimgxError('DIMGX_TARGET_UNWRITABLE', text, options);
}

/** Whether an error means that the reader is gone. */
export function isReaderGone(error: unknown): boolean {
  return READER_GONE.has(signs(error).code);
}

/** Whether an error comes from the operating system. */
export function isSystemFailure(error: unknown): boolean {
  return signs(error).errno !== undefined;
}

/** The properties that distinguish errors, read from any value. */
function signs(error: unknown): { readonly code?: unknown; readonly errno?: unknown } {
  try {
    const { code, errno } = error as NodeJS.ErrnoException;
    return { code, errno };
  } catch {
    return {};
  }
}
