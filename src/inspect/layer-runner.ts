import { handledLater } from '../base/call/deferred.js';
import { isTooManyFiles, tooManyFiles } from '../base/io/open-file-limit.js';
import { openFiles } from '../base/io/open-file-table.js';
import { quoted } from '../base/text/printable.js';
import type { ThreadShare } from '../base/worker/thread-share.js';
import type { ThreadTask } from '../base/worker/thread-task.js';
import { blocksThread } from '../compression/codecs.js';
import { DimgxError, throwIfAborted } from '../errors.js';
import type { Layer, StoredLayer } from '../image/layer.js';
import type { InspectOptions } from '../options.js';
import type { OnBytes } from './index-layer.js';
import type { LayerReport } from './layer-job.js';
import { type LayerTask, threadTask } from './layer-task.js';
import { LocalLane } from './local-lane.js';
import type { InspectionPool } from './pool.js';

/**
 * Total stored size of layers, in bytes, up to which reading and hashing them takes less time than starting a thread.
 */
const SMALL = 4 * 1024 * 1024;

/** The same limit for layers whose decoder runs in the calling thread and blocks it. */
const SMALL_TO_BLOCKING_DECODERS = 128 * 1024;

/** Milliseconds to index on this thread alone: a worker takes about as long to start and warm up. */
const PATIENCE = 400;

interface WaitingIndex {
  readonly task: LayerTask;
  readonly onBytes: OnBytes;
  readonly resolve: (report: Promise<LayerReport>) => void;
}

/**
 * Runs layer tasks in the threads of a pool. Headers are read in this thread, and if that takes long, in others as well.
 * If all layers are small, everything runs in this thread.
 */
export class LayerRunner {
  readonly #lane: LocalLane;
  readonly #threads: number;
  readonly #workers: InspectionPool['workers'];
  #share: ThreadShare | undefined;
  /** Tasks to index. */
  readonly #headers: WaitingIndex[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** There is so much to index that other threads help. */
  #isLate = false;
  #isClosed = false;

  /** @param threads maximum number of threads working at once, including this one */
  constructor(threads: number, { workers, decodes }: InspectionPool) {
    this.#lane = new LocalLane(decodes);
    this.#threads = threads;
    this.#workers = workers;
  }

  /** Tells which layers tasks will be for. Threads are used from now on, unless these are small. */
  expect(layers: readonly StoredLayer[]): void {
    if (this.#share || this.#isClosed || areSmall(layers)) return;
    // This thread is busy all the time with a rebuilt layer: each of its files is opened for the output.
    const isRebuilt = layers.some(({ blob }) => blob.rebuilding);
    const others = () => (isRebuilt || this.#lane.isBusy ? 1 : 0);
    this.#share = this.#workers.share({ threads: this.#threads, others });
  }

  /** Whether tasks can run while this thread is busy. */
  get hasThreads(): boolean {
    return this.#share !== undefined;
  }

  /** @throws what the task throws; DIMGX_ABORTED after `close` */
  run(task: LayerTask, onBytes: OnBytes): Promise<LayerReport> {
    if (!this.#share || this.#isClosed) return this.#lane.run(task, onBytes);
    if (task.kind !== 'index') return this.#share.run(threadTask(task, onBytes, this.#lane));
    return new Promise((resolve) => {
      this.#headers.push({ task, onBytes, resolve });
      if (this.#isLate) this.#askForHelp();
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
    this.#isClosed = true;
    const closing = Promise.all([this.#share?.close(), this.#lane.close()]);
    for (const { task, onBytes, resolve } of this.#headers.splice(0)) resolve(this.run(task, onBytes));
    await closing;
  }

  /** Starts with the smallest layer, where code that is not optimised yet costs least. */
  #fillLane(): void {
    if (this.#lane.isBusy) return;
    const next = this.#take((a, b) => a.task.size - b.task.size);
    if (!next) return;
    this.#timer ??= setTimeout(() => {
      this.#isLate = true;
      for (const _ of this.#headers) this.#askForHelp();
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

  /**
   * Has the next free thread index the largest layer that still waits then. It does so before anything else: the merge
   * needs all headers, while hashes can come later.
   */
  #askForHelp(): void {
    let taken: WaitingIndex | undefined;
    const take = () => {
      taken ??= this.#take((a, b) => b.task.size - a.task.size);
      return taken ?? Promise.reject(new NothingToIndex());
    };
    const help: ThreadTask<LayerReport> = {
      size: Number.MAX_SAFE_INTEGER,
      open: async () => (await take()).task.open(),
      onProgress: (bytes) => taken?.onBytes(bytes as number),
      runHere: async () => {
        const { task, onBytes } = await take();
        return this.#lane.run(task, onBytes);
      },
    };
    const report = handledLater((this.#share as ThreadShare).run(help));
    void report.catch(() => undefined).then(() => taken?.resolve(report));
  }

  #take(order: (a: WaitingIndex, b: WaitingIndex) => number): WaitingIndex | undefined {
    const next = this.#headers.toSorted(order)[0];
    if (next) this.#headers.splice(this.#headers.indexOf(next), 1);
    return next;
  }
}

/** All layers have been indexed, or are being indexed. */
class NothingToIndex extends Error {}

/** Whether all layers can be read without starting a thread. */
function areSmall(layers: readonly StoredLayer[]): boolean {
  const sizeOf = (some: readonly StoredLayer[]) =>
    some.reduce((sum, { blob }) => sum + blob.length + (blob.archive?.length ?? 0), 0);
  const blocking = layers.filter(
    ({ blob, compression }) => blocksThread(compression) || blocksThread(blob.archive?.compression ?? 'none'),
  );
  return sizeOf(layers) <= SMALL && sizeOf(blocking) <= SMALL_TO_BLOCKING_DECODERS;
}

/** Runs jobs on layers and reports their progress. */
export class LayerWork {
  readonly #runner: LayerRunner;
  readonly #options: InspectOptions;

  constructor(runner: LayerRunner, options: InspectOptions) {
    this.#runner = runner;
    this.#options = options;
  }

  /** @throws what the job throws, with the layer's name; DIMGX_ABORTED */
  run(layer: StoredLayer, task: LayerTask, stage: 'inspect' | 'verify'): Promise<LayerReport> {
    let done = 0;
    const onBytes = (bytes: number) => {
      done += bytes;
      this.#options.onProgress?.({ stage, item: layer.name, done, total: layer.blob.length });
    };
    return this.#run(task, onBytes).catch((error: unknown) => this.refuse(layer, error));
  }

  /**
   * A task that could not get descriptors has done nothing yet, so it is retried. It waits for them here, where it
   * keeps no other task from getting its own.
   */
  async #run(task: LayerTask, onBytes: OnBytes): Promise<LayerReport> {
    const wait = openFiles.patience();
    for (;;) {
      try {
        return await this.#runner.run(task, onBytes);
      } catch (failure) {
        throwIfAborted(this.#options.signal);
        await wait(failure);
      }
    }
  }

  /** Adds the layer's name to an error. @throws always */
  refuse(layer: Layer, error: unknown): never {
    throwIfAborted(this.#options.signal);
    if (isTooManyFiles(error)) throw tooManyFiles(error);
    throw error instanceof DimgxError && error.code !== 'DIMGX_CALLBACK_FAILED' ? named(layer, error) : error;
  }
}

/** If a layer is not a tar archive, its media type may say what it is. */
function named({ name, mediaType }: Layer, error: DimgxError): DimgxError {
  const type = error.code === 'DIMGX_TAR_NOT_A_TAR' && mediaType !== undefined ? ` of type ${quoted(mediaType)}` : '';
  return error.retold(`layer ${name}${type}: ${error.message}`, { layer: name });
}
