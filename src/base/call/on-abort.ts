interface Listening {
  readonly callbacks: Set<() => void>;
  readonly listener: () => void;
}

/** Signals that are waited for now. They keep nothing alive themselves. */
const listening = new WeakMap<AbortSignal, Listening>();

/**
 * Calls back once when a signal is aborted. A signal has one listener, however many calls share it: Node takes more than
 * ten for a leak and warns of them.
 *
 * @param signal not aborted yet
 * @returns takes the callback back; the last one takes the listener along
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
