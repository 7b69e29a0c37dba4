import { createRequire } from 'node:module';
import { untilAborted } from '../../base/call/on-abort.js';
import { unwritable } from '../../output/unwritable.js';

/**
 * Writes text to standard output or standard error. Resolves once it is written; rejects if the caller aborts first.
 *
 * @throws DIMGX_TARGET_CLOSED when the reader has gone; DIMGX_TARGET_UNWRITABLE, DIMGX_TARGET_NO_SPACE; DIMGX_ABORTED
 */
export async function writeOut(
  text: string,
  stream: NodeJS.WriteStream = process.stdout,
  signal?: AbortSignal,
): Promise<void> {
  if (text === '') return;
  const written = new Promise<void>((resolve, reject) => {
    stream.once('error', reject);
    stream.write(text, (failure) => (failure ? reject(failure) : resolve()));
  });
  try {
    await untilAborted(written, signal);
  } catch (error) {
    throw signal?.aborted ? error : unwritable(stream === process.stderr ? 'standard error' : 'standard output', error);
  }
}

/** Characters that JSON does not escape, but that a terminal would obey or hide. */
const STEERING = /[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}]/gu;

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
