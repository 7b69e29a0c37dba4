import { abortedBy } from '../../errors.js';

interface Listening {
  readonly callbacks: Set<() => void>;
  readonly listener: () => void;
}

/** Signals with callbacks registered now. The map itself keeps no signal alive. */
const listening = new WeakMap<AbortSignal, Listening>();

/**
 * Calls `callback` once when the signal is aborted. Each signal gets a single listener, however many calls share it:
 * Node warns of a leak when there are more than ten.
 *
 * @param signal not aborted yet
 * @returns unregisters the callback; the last one to unregister also removes the listener
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const { callbacks, listener } = listening.get(signal) ?? listen(signal);
  const own = () => callback();
  callbacks.add(own);
  return () => {
    if (!callbacks.delete(own) || callbacks.size > 0) return;
    signal.removeEventListener('abort', listener);
    listening.delete(signal);
  };
}

function listen(signal: AbortSignal): Listening {
  const callbacks = new Set<() => void>();
  const listener = () => {
    listening.delete(signal);
    const called = [...callbacks];
    callbacks.clear();
    for (const callback of called) callback();
  };
  const started = { callbacks, listener };
  listening.set(signal, started);
  signal.addEventListener('abort', listener, { once: true });
  return started;
}

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
