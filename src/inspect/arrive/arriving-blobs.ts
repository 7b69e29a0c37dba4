import { handledLater } from '../../base/call/deferred.js';
import { isCodedTooMany } from '../../base/io/open-file-limit.js';
import { SharedLength } from '../../base/worker/shared-length.js';
import type { ThreadShare } from '../../base/worker/thread-share.js';
import type { LayerFile, WatchLayer } from '../../image/arrivals.js';
import type { Layer, StoredLayer } from '../../image/layer.js';
import { algorithmOf } from '../../reference/digest.js';
import type { Budget } from '../budget.js';
import type { OnBytes } from '../index-layer.js';
import { type DecodedLayer, decodedLayer } from '../layer-decoder.js';
import type { LayerReport } from '../layer-job.js';
import { type Decoding, decodeTask, NoThreads, threadTask } from '../layer-task.js';
import type { InspectionPool } from '../pool.js';
import type { Spools, TakenPlace } from '../spools.js';

/** A layer that was decoded while it arrived. */
interface DecodedBlob {
  readonly report: LayerReport;
  /** Where its uncompressed bytes are kept, if they are. */
  readonly place: TakenPlace | undefined;
}

export interface ArrivingBlobsOptions {
  readonly budget: Budget;
  readonly pool: InspectionPool;
  /** Maximum number of threads. */
  readonly threads: number;
  readonly spools: Spools;
  /** Whether the uncompressed bytes are hashed. */
  readonly hashes: boolean;
  /** Returns the progress callback for decoding a layer. It is not called before all layers have arrived. */
  readonly progressOf: (layer: Layer) => OnBytes;
}

/**
 * Decodes compressed layers while they are still being downloaded, in threads that read behind the writer. Their stored
 * bytes are not hashed here: the downloader compares them with their digests.
 */
export class ArrivingBlobs {
  readonly #options: ArrivingBlobsOptions;
  /** Threads that read behind the download and wait for it. */
  readonly #followers: ThreadShare;
  /** Threads for layers that have arrived before a follower was free. */
  readonly #workers: ThreadShare;
  readonly #blobs = new Map<string, Promise<DecodedBlob>>();
  readonly #files: LayerFile[] = [];
  /** Until then, the progress of the download is reported instead. */
  #haveArrived = false;

  constructor(options: ArrivingBlobsOptions) {
    this.#options = options;
    const { pool, threads } = options;
    this.#followers = pool.followers.share({ threads });
    this.#workers = pool.workers.share({ threads });
  }

  readonly watch: WatchLayer = (layer, file, compression) => {
    this.#files.push(file);
    const length = new SharedLength();
    const plainAlgorithm = this.#options.hashes && layer.diffId ? algorithmOf(layer.diffId) : undefined;
    const decoding = { compression, arriving: length.memory, storedAlgorithm: undefined, plainAlgorithm };
    const decoded = handledLater(this.#decode(decoding, file, layer));
    const key = keyOf(layer);
    this.#blobs.set(key, decoded);
    return {
      grown: (bytes) => length.grow(bytes),
      discard: () => {
        length.end();
        if (this.#blobs.get(key) === decoded) this.#blobs.delete(key);
      },
    };
  };

  /** Call this once all layers have arrived or been discarded. */
  finish(): void {
    this.#haveArrived = true;
    for (const entry of this.#followers.withdraw()) this.#workers.take(entry);
    this.#followers.finish();
    this.#workers.finish();
  }

  /**
   * The result for a layer that was watched.
   *
   * @returns `undefined` if the layer was not watched, or if there were not enough threads or descriptors to decode it
   * @throws what is wrong with the layer; DIMGX_ABORTED after `close`
   */
  async take(layer: StoredLayer): Promise<DecodedLayer | undefined> {
    try {
      const blob = await this.#blobs.get(keyOf(layer));
      return blob && decodedLayer(layer, blob.report, blob.place);
    } catch (failure) {
      if (failure instanceof NoThreads || isCodedTooMany(failure)) return undefined;
      throw failure;
    }
  }

  /** Ends the threads, and only then closes the files they read and write. */
  async close(): Promise<void> {
    await Promise.all([this.#followers.close(), this.#workers.close()]);
    await Promise.all(this.#files.splice(0).map((file) => file.close()));
  }

  async #decode(decoding: Decoding, { region, close }: LayerFile, layer: Layer): Promise<DecodedBlob> {
    const { budget, spools } = this.#options;
    const reportProgress = this.#options.progressOf(layer);
    let place: TakenPlace | undefined;
    let done = 0;
    const task = decodeTask(region, decoding, budget, async () => {
      place = await spools.take(region.length);
      return place;
    });
    try {
      const onBytes = (bytes: number) => {
        done += bytes;
        if (!this.#haveArrived) return;
        reportProgress(done);
        done = 0;
      };
      const report = await this.#followers.run(threadTask(task, onBytes));
      await place?.giveBack(report.isSpooled ? (report.contents?.length ?? 0) : 0);
      return { report, place };
    } catch (failure) {
      await place?.giveBack(0);
      throw failure;
    } finally {
      await close();
    }
  }
}

function keyOf({ digest, diffId }: Layer): string {
  return `${digest} ${diffId}`;
}
