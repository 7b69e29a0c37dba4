import type { ThreadShare } from '../base/worker/thread-share.js';
import { nodeZstd } from '../compression/zstd.js';
import type { StoredLayer } from '../image/image.js';
import type { OnBytes } from './index-layer.js';
import type { LayerReport } from './layer-job.js';
import type { LayerTask } from './layer-task.js';
import { LocalLane } from './local-lane.js';
import type { InspectionPool } from './pool.js';
import { threadTask } from './thread-task-of.js';

/**
 * Total stored size of layers, in bytes, up to which reading and hashing them takes less time than starting a thread.
 */
const SMALL = 4 * 1024 * 1024;

/** The same limit for layers whose decoder runs in the calling thread and blocks it. */
const SMALL_TO_BLOCKING_DECODERS = 128 * 1024;

/** Milliseconds to index on this thread before starting workers: a worker takes about as long to start and warm up. */
const PATIENCE = 400;

interface WaitingIndex {
  readonly task: LayerTask;
  readonly onBytes: OnBytes;
  readonly resolve: (report: Promise<LayerReport>) => void;
}

/**
 * Runs layer tasks in the threads of a pool. Headers are read in this thread too. If all layers are small, everything
 * runs in this thread.
 */
export class LayerRunner {
  readonly #lane: LocalLane;
  readonly #share: ThreadShare | undefined;
  /** Tasks to index in this thread. */
  readonly #headers: WaitingIndex[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** There is enough to index to make it worth starting threads besides this one. */
  #isLate = false;

  /** @param threads maximum number of threads working at once, including this one */
  constructor(layers: readonly StoredLayer[], threads: number, { workers, decodes }: InspectionPool) {
    this.#lane = new LocalLane(decodes);
    const others = () => (this.#lane.isBusy ? 1 : 0);
    this.#share = areSmall(layers) ? undefined : workers.share({ threads, others });
  }

  /** @throws what the task throws; DIMGX_ABORTED after `close` */
  run(task: LayerTask, onBytes: OnBytes): Promise<LayerReport> {
    if (!this.#share) return this.#lane.run(task, onBytes);
    if (task.kind !== 'index' || this.#isLate) return this.#share.run(threadTask(task, onBytes, this.#lane));
    return new Promise((resolve) => {
      this.#headers.push({ task, onBytes, resolve });
      queueMicrotask(() => this.#fillLane()); // once all tasks that are requested together can be chosen from
    });
  }

  /** No more tasks will come: threads end when they run out of work, which frees their memory. */
  finish(): void {
    this.#share?.finish();
  }

  /** Once this resolves, no task reads or writes any more. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#isLate = true;
    const closing = Promise.all([this.#share?.close(), this.#lane.close()]);
    this.#handOver();
    await closing;
  }

  /** Starts with the smallest layer, where code that is not optimised yet costs least. */
  #fillLane(): void {
    if (this.#lane.isBusy) return;
    const next = this.#headers.toSorted((a, b) => a.task.size - b.task.size)[0];
    if (!next) return;
    this.#headers.splice(this.#headers.indexOf(next), 1);
    this.#timer ??= setTimeout(() => {
      this.#isLate = true;
      this.#handOver();
    }, PATIENCE).unref();
    const report = this.#lane.run(next.task, next.onBytes);
    next.resolve(report);
    report
      .catch(() => undefined)
      .then(() => {
        this.#share?.wake();
        this.#fillLane();
      });
  }

  #handOver(): void {
    for (const { task, onBytes, resolve } of this.#headers.splice(0)) resolve(this.run(task, onBytes));
  }
}

/** Whether all layers can be read without starting a thread. */
function areSmall(layers: readonly StoredLayer[]): boolean {
  const sizeOf = (some: readonly StoredLayer[]) => some.reduce((sum, { blob }) => sum + blob.length, 0);
  const isBlocking = ({ compression }: StoredLayer) =>
    compression === 'xz' || compression === 'bzip2' || (compression === 'zstd' && !nodeZstd());
  return sizeOf(layers) <= SMALL && sizeOf(layers.filter(isBlocking)) <= SMALL_TO_BLOCKING_DECODERS;
}
