import { onAbort } from '../base/call/on-abort.js';
import { abortedBy } from '../errors.js';

/**
 * What the work gives, unless the caller cancels first. Then the work is left to itself: a thread that waits inside the
 * operating system, for a reader that may never come, cannot be called back, nor can a stream of the caller's.
 *
 * @throws DIMGX_ABORTED, and what the work throws
 */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  let release = () => {};
  const aborted = new Promise<never>((_, reject) => {
    const abort = () => reject(abortedBy(signal));
    if (signal.aborted) abort();
    else release = onAbort(signal, abort);
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    release();
  }
}
