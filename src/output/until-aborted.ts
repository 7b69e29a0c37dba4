import { onAbort } from '../base/call/on-abort.js';
import { abortedBy } from '../errors.js';

/**
 * Resolves with the result of the work, or rejects when the caller aborts. The work then goes on unattended: neither a
 * thread blocked in a system call, waiting for a reader that may never come, nor a stream of the caller can be
 * cancelled.
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
