import type { ThreadShare } from '../base/worker/thread-share.js';
import { nodeZstd } from '../compression/zstd-node.js';
import type { StoredLayer } from '../image/image.js';
import type { OnBytes } from './index-layer.js';
import type { LayerReport } from './layer-job.js';
import type { LayerTask } from './layer-task.js';
import { LocalLane } from './local-lane.js';
import type { InspectionPool } from './pool.js';
import { threadTask } from './thread-task-of.js';

/** Layers that are no more than this together, in bytes as they are stored, are read and hashed sooner than a thread starts. */
const SMALL = 4 * 1024 * 1024;

/** The same of layers whose decoder works in the thread that calls it, and keeps it from other work. */
const SMALL_TO_BLOCKING_DECODERS = 128 * 1024;

/** So long headers are read in one thread only, in milliseconds: others take as long to start and to become quick. */
const PATIENCE = 400;

interface WaitingIndex {
  readonly task: LayerTask;
  readonly onBytes: OnBytes;
  readonly resolve: (report: Promise<LayerReport>) => void;
}

/**
 * Runs layer tasks: in the threads of a pool and, where headers are read, in this one; small layers in this one alone.
 */
export class LayerRunner {
  readonly #lane: LocalLane;
  readonly #share: ThreadShare | undefined;
  /** To be indexed in this thread. */
  readonly #headers: WaitingIndex[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** There is so much to index that threads beside this one are worth their start. */
  #isLate = false;

  /** @param threads that work at once at most, this one among them */
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
      queueMicrotask(() => this.#fillLane()); // when all that is asked for together is there to choose from
    });
  }

  /** No more tasks will come: threads end as they run out of work, and their memory is free. */
  finish(): void {
    this.#share?.finish();
  }

  /** Afterwards no task reads or writes any more. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#isLate = true;
    const closing = Promise.all([this.#share?.close(), this.#lane.close()]);
    this.#handOver();
    await closing;
  }

  /** With the smallest layer first: what the optimiser has not yet seen in it costs least there. */
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

/** Whether it takes no thread to read all of them. */
function areSmall(layers: readonly StoredLayer[]): boolean {
  const sizeOf = (some: readonly StoredLayer[]) => some.reduce((sum, { blob }) => sum + blob.length, 0);
  const isBlocking = ({ compression }: StoredLayer) =>
    compression === 'xz' || compression === 'bzip2' || (compression === 'zstd' && !nodeZstd());
  return sizeOf(layers) <= SMALL && sizeOf(layers.filter(isBlocking)) <= SMALL_TO_BLOCKING_DECODERS;
}
