import { Worker } from 'node:worker_threads';

/** Of one input, in seconds: a thousand times what the slowest takes. */
const PATIENCE = 30;
const NAME_BYTES = 4096;

/** Sees nothing but the memory it shares with the thread that works, which may hang without ever coming back. */
const THREAD = `
  const { workerData: { shared, patience } } = require('node:worker_threads');
  const count = new Int32Array(shared, 0, 2);
  let last = -1;
  let since = Date.now();
  setInterval(() => {
    if (count[0] !== last) [last, since] = [count[0], Date.now()];
    if (Date.now() - since < patience * 1000) return;
    const name = Buffer.from(new Uint8Array(shared, 8)).toString('utf8', 0, count[1]);
    require('node:fs').writeSync(2, 'this input has taken over ' + patience + ' seconds: ' + name + '\\n');
    process.kill(process.pid, 'SIGKILL');
  }, 1000);
`;

/** Ends the process when one input takes absurdly long, and tells which. */
export class Watchdog {
  readonly #shared = new SharedArrayBuffer(8 + NAME_BYTES);
  readonly #count = new Int32Array(this.#shared, 0, 2);
  readonly #name = Buffer.from(this.#shared, 8);
  readonly #thread: Worker;

  constructor() {
    this.#thread = new Worker(THREAD, { eval: true, workerData: { shared: this.#shared, patience: PATIENCE } });
    this.#thread.unref();
  }

  /** Says which input is next. */
  begin(name: string): void {
    this.#count[1] = this.#name.write(name);
    this.#count[0] = (this.#count[0] as number) + 1;
  }

  async close(): Promise<void> {
    await this.#thread.terminate();
  }
}
