import { constants } from 'node:os';
import { DimgxError } from '../errors.js';
import { printable, quoted } from '../image/printable.js';

/** What is said when the reader of a pipe, of a socket, or of a stream is no longer there. */
const READER_GONE: ReadonlySet<string | undefined> = new Set([
  'EPIPE',
  'ECONNRESET',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ERR_STREAM_DESTROYED',
]);
const NO_ROOM: ReadonlySet<string | undefined> = new Set(['ENOSPC', 'EFBIG']);
/** A quota that is used up: Node has a number for it, but no name. */
const QUOTA_USED_UP = -constants.errno.EDQUOT;

/**
 * The error for what the operating system, or a stream, refused, by its own code.
 *
 * @param target as the caller named it
 * @returns DIMGX_TARGET_CLOSED, DIMGX_TARGET_NO_SPACE or DIMGX_TARGET_UNWRITABLE
 */
export function unwritable(target: string, error: unknown): DimgxError {
  const { code, errno, message } = error as NodeJS.ErrnoException;
  if (READER_GONE.has(code)) {
    return new DimgxError('DIMGX_TARGET_CLOSED', `the reader of ${quoted(target)} went away`, { cause: error });
  }
  if (NO_ROOM.has(code) || errno === QUOTA_USED_UP) {
    const text = `there is no room left to write ${quoted(target)}: make room, or choose another place`;
    return new DimgxError('DIMGX_TARGET_NO_SPACE', text, { cause: error });
  }
  const text = `${quoted(target)} cannot be written (${withoutCall(message)}): choose another place`;
  return new DimgxError('DIMGX_TARGET_UNWRITABLE', text, { cause: error });
}

/** `EACCES: permission denied`, without the call and the paths that Node adds: they may be a temporary name's. */
function withoutCall(message: string): string {
  return printable(message.replace(/^(E[A-Z0-9]+: [^,]*),.*$/s, '$1'));
}
