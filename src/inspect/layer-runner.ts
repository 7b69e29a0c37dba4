import { DimgxError } from '../errors.js';
import type { StoredLayer } from '../image/image.js';
import { readRegion } from '../source/read-region.js';
import { writeAt } from '../source/write-at.js';
import type { LayerIo, OnBytes } from './index-layer.js';
import { type LayerJob, type LayerReport, runLayerJob } from './layer-job.js';
import { WorkerPool } from './worker-pool.js';

/** Uncompressed layers that are no more than this together, in bytes, are read sooner than a thread starts. */
const SMALL = 4 * 1024 * 1024;

const io: LayerIo = { read: readRegion, write: writeAt, whole: (work) => work() };

/** Runs layer jobs: in worker threads, or, where small layers are all there is, in this one, one after the other. */
export class LayerRunner {
  readonly #pool: WorkerPool | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(layers: readonly StoredLayer[], threads: number) {
    const size = layers.reduce((sum, layer) => sum + layer.blob.length, 0);
    const isSmall = size <= SMALL && layers.every((layer) => layer.compression === 'none');
    this.#pool = isSmall ? undefined : new WorkerPool(threads);
  }

  /** @throws what the job throws; DIMGX_ABORTED after `close` */
  run(job: LayerJob, onBytes: OnBytes): Promise<LayerReport> {
    if (this.#pool) return this.#pool.run(plain(job), onBytes);
    const report = this.#last.then(() => this.#runHere(job, onBytes));
    this.#last = report.catch(() => undefined);
    return report;
  }

  async #runHere(job: LayerJob, onBytes: OnBytes): Promise<LayerReport> {
    if (this.#closed) throw new DimgxError('DIMGX_ABORTED', 'the image was closed');
    return runLayerJob(job, io, onBytes);
  }

  /** Afterwards no job reads or writes any more. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#pool?.close();
    await this.#last;
  }
}

/** A class instance does not survive the way to another thread. */
function plain(job: LayerJob): LayerJob {
  if (job.kind === 'hash' || job.kind === 'follow') return job;
  const { limits, counters } = job.budget;
  return { ...job, budget: { limits, counters } };
}
