import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { DimgxError } from '../../index.js';

/**
 * Writes text to standard output or standard error. Resolves once it is written; rejects if the caller aborts first.
 *
 * @throws DIMGX_TARGET_CLOSED when the reader has gone; DIMGX_TARGET_UNWRITABLE, DIMGX_TARGET_NO_SPACE; the signal's
 *   reason
 */
export async function writeOut(
  text: string | Uint8Array,
  stream: NodeJS.WriteStream = process.stdout,
  signal?: AbortSignal,
): Promise<void> {
  if (text.length === 0) return;
  signal?.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const name = stream === process.stderr ? 'standard error' : 'standard output';
    const fail = (failure: NodeJS.ErrnoException) => reject(writeError(name, failure));
    // the write goes on unattended: it may wait for a reader that never comes
    const abort = () => reject(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    stream.once('error', fail);
    stream.write(text, (failure) => {
      signal?.removeEventListener('abort', abort);
      if (failure) fail(failure);
      else resolve();
    });
  });
}

function writeError(name: string, cause: NodeJS.ErrnoException): DimgxError {
  const { code, errno, message } = cause;
  if (code === 'EPIPE' || code === 'ECONNRESET' || code === 'ERR_STREAM_DESTROYED') {
    return new DimgxError('DIMGX_TARGET_CLOSED', `the reader of ${name} went away`, { cause });
  }
  // Node has the number of EDQUOT, but no name for it
  if (code === 'ENOSPC' || code === 'EFBIG' || errno === -constants.errno.EDQUOT) {
    const text = `there is no space left to write ${name}: free some, or choose another place`;
    return new DimgxError('DIMGX_TARGET_NO_SPACE', text, { cause });
  }
  const reason = message.replace(/^(E[A-Z0-9]+: [^,]*),.*$/s, '$1');
  const text = `${name} cannot be written (${reason}): choose another place`;
  return new DimgxError('DIMGX_TARGET_UNWRITABLE', text, { cause });
}

/** Characters that JSON does not escape, but that a terminal would obey or hide. */
const STEERING = /[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}]/gu;

/** A document on one line, with a line end. It is as harmless as an indented one. */
export function formatJsonLine(value: unknown): string {
  return `${JSON.stringify(value).replace(STEERING, escaped)}\n`;
}

/** An indented document with a line end. It is harmless on a terminal and parses to the same value. */
export function formatJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2).replace(STEERING, escaped)}\n`;
}

function escaped(character: string): string {
  return character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
}

/** `dimgx X`, with the version from package.json. */
export function versionText(): string {
  const { version } = createRequire(import.meta.url)('dimgx/package.json') as { readonly version: string };
  return `dimgx ${version}\n`;
}
