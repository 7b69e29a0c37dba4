const RUN = new URL('../../build/cli/run.js', import.meta.url).href;

/**
 * The beginning of a module that runs one command line after another, each as `main.ts` does, in a process that ends
 * with its parent. Call `begin`, then `run`, then await `settled`, then `endOutput`.
 */
export const SERVED_RUNS = `
  import { setTimeout as sleep } from 'node:timers/promises';
  import { run } from ${JSON.stringify(RUN)};
  const passing = ['CloseReq', 'Immediate'];
  const active = () => process.getActiveResourcesInfo().filter((name) => !passing.includes(name)).sort().join();
  let idle;
  const begin = () => {
    for (const stream of [process.stdout, process.stderr]) stream.write('');
    idle ??= active();
  };
  // A run is over when nothing would keep the process alive.
  const settled = async () => {
    while (active() !== idle) await sleep(1);
  };
  const endOutput = (mark) => {
    for (const stream of [process.stdout, process.stderr]) {
      stream.removeAllListeners('error');
      stream.write(mark);
    }
  };
  process.on('disconnect', () => process.exit());
`;
