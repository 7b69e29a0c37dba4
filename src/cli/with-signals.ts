import { setImmediate as nextTurn } from 'node:timers/promises';

const DEADLY = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Runs work that a signal can abort. The first signal aborts the work. Once the work has cleaned up and settled, the
 * process dies of that signal, so that the shell sees it. A second signal kills the process at once.
 *
 * @returns what `work` resolves with; after a signal, the process dies before the caller continues
 */
export async function withSignals<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  let received: NodeJS.Signals | undefined;
  const die = (signal: NodeJS.Signals) => {
    for (const name of DEADLY) process.removeListener(name, onSignal);
    process.kill(process.pid, signal);
  };
  const onSignal = (signal: NodeJS.Signals) => {
    if (received !== undefined) die(signal);
    received = signal;
    controller.abort();
  };
  for (const name of DEADLY) process.on(name, onSignal);
  try {
    return await work(controller.signal);
  } finally {
    await nextTurn(); // a signal that arrived during the last call is delivered in this turn of the event loop
    if (received !== undefined) {
      die(received);
      await new Promise(() => setInterval(() => {}, 1000));
    }
    for (const name of DEADLY) process.removeListener(name, onSignal);
  }
}
