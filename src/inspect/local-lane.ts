import { setImmediate as turn } from 'node:timers/promises';
import { type ReadAt, readRegionSync } from '../base/io/region.js';
import { type WriteAt, writeAt } from '../base/io/spool.js';
import type { Slots } from '../base/worker/slots.js';
import { imageClosed } from '../errors.js';
import type { LayerIo, OnBytes } from './index-layer.js';
import { type LayerReport, runLayerJob } from './layer-job.js';
import type { LayerTask } from './layer-task.js';

/** How long other work of this thread may be blocked, in milliseconds. */
const SLICE = 10;

/**
 * Runs layer jobs in this thread, one after another. Headers are read fastest here: a thread takes longer to start than
 * most images take to index, and everything the optimiser learns in it is lost when it ends. Reads are synchronous,
 * because the overhead of an asynchronous call exceeds the read itself. They yield to other work from time to time.
 */
export class LocalLane {
  #last: Promise<unknown> = Promise.resolve();
  #running = 0;
  #since = 0;
  #closed = false;
  readonly #decodes: Slots;
  #giveUp = () => {};
  readonly #write: WriteAt = (...of) => {
    this.#goOn();
    return writeAt(...of);
  };
  readonly #io: LayerIo = {
    read: (region) => this.#paced(readRegionSync(region)),
    paced: (read) => this.#paced(read),
    write: this.#write,
    whole: (work) => work(),
  };

  /** @param decodes permits that limit how many layers this thread decodes at once, for all callers together */
  constructor(decodes: Slots) {
    this.#decodes = decodes;
  }

  get isBusy(): boolean {
    return this.#running > 0;
  }

  /** @throws what the job throws; DIMGX_ABORTED after `close` */
  run(task: LayerTask, onBytes: OnBytes): Promise<LayerReport> {
    this.#running++;
    const report = this.#last.then(() => this.#run(task, onBytes)).finally(() => this.#running--);
    this.#last = report.catch(() => undefined);
    return report;
  }

  /** Once this resolves, no job reads or writes any more. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#giveUp();
    await this.#last;
  }

  async #run(task: LayerTask, onBytes: OnBytes): Promise<LayerReport> {
    this.#goOn();
    if (task.kind !== 'decode') return this.#work(task, onBytes);
    const giveBack = await this.#decodes
      .take((giveUp) => {
        this.#giveUp = giveUp;
      })
      .catch(() => this.#refuse());
    try {
      return await this.#work(task, onBytes);
    } finally {
      giveBack();
    }
  }

  async #work(task: LayerTask, onBytes: OnBytes): Promise<LayerReport> {
    this.#goOn();
    const { job, release } = await task.open();
    try {
      this.#goOn();
      const report = await runLayerJob(job, this.#io, onBytes);
      this.#goOn();
      return report;
    } finally {
      release();
    }
  }

  #paced(read: ReadAt): ReadAt {
    return (into, position) => {
      if (performance.now() - this.#since < SLICE) return read(into, position);
      return turn().then(() => {
        this.#goOn();
        return read(into, position);
      });
    };
  }

  #goOn(): void {
    if (this.#closed) this.#refuse();
    this.#since = performance.now();
  }

  #refuse(): never {
    throw imageClosed();
  }
}
