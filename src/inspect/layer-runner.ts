import type { StoredLayer } from '../image/image.js';
import type { OnBytes } from './index-layer.js';
import type { LayerReport } from './layer-job.js';
import type { LayerTask } from './layer-task.js';
import { LocalLane } from './local-lane.js';
import { WorkerPool } from './worker-pool.js';

/** Uncompressed layers that are no more than this together, in bytes, are read and hashed sooner than a thread starts. */
const SMALL = 4 * 1024 * 1024;

/** Runs layer jobs: in worker threads and, where headers are read, in this one; small layers in this one alone. */
export class LayerRunner {
  readonly #lane = new LocalLane();
  readonly #pool: WorkerPool | undefined;

  constructor(layers: readonly StoredLayer[], threads: number) {
    const size = layers.reduce((sum, layer) => sum + layer.blob.length, 0);
    const isSmall = size <= SMALL && layers.every((layer) => layer.compression === 'none');
    this.#pool = isSmall ? undefined : new WorkerPool(threads, this.#lane);
  }

  /** @throws what the job throws; DIMGX_ABORTED after `close` */
  run(task: LayerTask, onBytes: OnBytes): Promise<LayerReport> {
    return (this.#pool ?? this.#lane).run(task, onBytes);
  }

  /** No more jobs will come: threads end as they run out of work, and their memory is free. */
  finish(): void {
    this.#pool?.finish();
  }

  /** Afterwards no job reads or writes any more. */
  async close(): Promise<void> {
    await Promise.all([this.#pool?.close(), this.#lane.close()]);
  }
}
