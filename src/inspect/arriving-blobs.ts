import { algorithmOf } from '../image/digest.js';
import type { Layer, LayerFile, WatchLayer } from '../image/image.js';
import type { Budget } from './budget.js';
import type { OnBytes } from './index-layer.js';
import type { LayerReport } from './layer-job.js';
import { type Decoding, decodeTask, type SpoolPlace } from './layer-task.js';
import { SharedLength } from './shared-length.js';
import type { Spools, TakenPlace } from './spools.js';
import { WorkerPool } from './worker-pool.js';

/** A layer that was decoded while it arrived. */
export interface DecodedBlob {
  /** Its uncompressed bytes are there. */
  readonly spool: SpoolPlace;
  readonly report: LayerReport;
}

export interface ArrivingBlobsOptions {
  readonly budget: Budget;
  /** At most. */
  readonly threads: number;
  readonly spools: Spools;
  /** Whether the uncompressed bytes are hashed. */
  readonly hashes: boolean;
  /** What to tell of a layer's decoding, once all layers have arrived. */
  readonly progressOf: (layer: Layer) => OnBytes;
}

/**
 * Decodes compressed layers while they are still being downloaded, in threads that read behind the writer. Their stored bytes
 * are not hashed: who downloads them compares them with their digests.
 */
export class ArrivingBlobs {
  readonly #options: ArrivingBlobsOptions;
  readonly #pool: WorkerPool;
  readonly #blobs = new Map<string, Promise<DecodedBlob>>();
  readonly #files: LayerFile[] = [];
  /** Until then, how far the download is, is of more interest. */
  #haveArrived = false;

  constructor(options: ArrivingBlobsOptions) {
    this.#options = options;
    this.#pool = new WorkerPool(options.threads);
  }

  readonly watch: WatchLayer = (layer, file, compression) => {
    this.#files.push(file);
    const length = new SharedLength();
    const plainAlgorithm = this.#options.hashes && layer.diffId ? algorithmOf(layer.diffId) : undefined;
    const reading = { compression, arriving: length.memory, reads: true };
    const decoded = this.#decode({ ...reading, storedAlgorithm: undefined, plainAlgorithm }, file, layer);
    decoded.catch(() => undefined); // whoever takes the layer is told
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

  /** All layers have arrived, or been discarded. */
  finish(): void {
    this.#haveArrived = true;
    this.#pool.finish();
  }

  /**
   * What became of a layer that was watched.
   *
   * @returns `undefined` for one that was not
   * @throws what is wrong with it; DIMGX_ABORTED after `close`
   */
  take(layer: Layer): Promise<DecodedBlob> | undefined {
    return this.#blobs.get(keyOf(layer));
  }

  /** Ends the threads, and only then closes what they read from and write to. */
  async close(): Promise<void> {
    await this.#pool.close();
    await Promise.all(this.#files.splice(0).map((file) => file.close()));
  }

  async #decode(decoding: Decoding, { region, close }: LayerFile, layer: Layer): Promise<DecodedBlob> {
    const { budget, spools } = this.#options;
    const tell = this.#options.progressOf(layer);
    let place: TakenPlace | undefined;
    let done = 0;
    const task = decodeTask(region, decoding, budget, async () => {
      place = await spools.take(region.length);
      return place;
    });
    try {
      const report = await this.#pool.run(task, (bytes) => {
        done += bytes;
        if (!this.#haveArrived) return;
        tell(done);
        done = 0;
      });
      place?.giveBack(report.length ?? 0);
      return { spool: place as SpoolPlace, report };
    } catch (failure) {
      place?.giveBack(0);
      throw failure;
    } finally {
      await close();
    }
  }
}

function keyOf({ digest, diffId }: Layer): string {
  return `${digest} ${diffId}`;
}
