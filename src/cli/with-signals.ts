import { setImmediate as nextTurn } from 'node:timers/promises';

const DEADLY = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Runs work that a signal may end. The first signal aborts it, and once it has cleaned up and settled the process dies of
 * that signal, so that the shell sees it. The second signal kills at once.
 *
 * @returns what `work` gives; when a signal came, the process is gone before its caller can go on
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
    await nextTurn(); // a signal that came while the last call was under way is heard in this turn of the event loop
    if (received !== undefined) {
      die(received);
      await new Promise(() => setInterval(() => {}, 1000));
    }
    for (const name of DEADLY) process.removeListener(name, onSignal);
  }
}
