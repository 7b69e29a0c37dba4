import { abortedBy } from '../errors.js';

/**
 * What the work gives, unless the caller cancels first. Then the work is left to itself: a thread that waits inside the
 * operating system, for a reader that may never come, cannot be called back.
 *
 * @throws DIMGX_ABORTED, and what the work throws
 */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  let abort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(abortedBy(signal));
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
