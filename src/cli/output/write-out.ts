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
