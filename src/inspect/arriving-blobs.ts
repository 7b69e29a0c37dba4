import type { FileHandle } from 'node:fs/promises';
import { openSpool } from '../file/spool.js';
import { algorithmOf } from '../image/digest.js';
import type { Layer, LayerFile, WatchLayer } from '../image/image.js';
import type { Budget } from './budget.js';
import type { OnBytes } from './index-layer.js';
import type { LayerJob, LayerReport } from './layer-job.js';
import { SharedLength } from './shared-length.js';
import { WorkerPool } from './worker-pool.js';

/** A layer that was decoded while it arrived. */
export interface DecodedBlob {
  /** Its uncompressed bytes are there. */
  readonly spool: number;
  readonly report: LayerReport;
}

export interface ArrivingBlobsOptions {
  readonly budget: Budget;
  /** At most. */
  readonly threads: number;
  readonly tmpDir: string | undefined;
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
  /** As they are opened: one that is still being opened must be closed, too. */
  readonly #spools: Promise<FileHandle>[] = [];
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
    const { budget, hashes, tmpDir } = this.#options;
    const opening = openSpool(tmpDir, file.region.length);
    this.#spools.push(opening);
    const job = {
      kind: 'decode',
      ...{ blob: file.region, compression, arriving: length.memory },
      storedAlgorithm: undefined,
      reads: true,
      plainAlgorithm: hashes && layer.diffId ? algorithmOf(layer.diffId) : undefined,
      budget: { limits: budget.limits, counters: budget.counters },
    } as const;
    const decoded = this.#decode(job, opening, layer);
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
    const spools = await Promise.allSettled(this.#spools.splice(0));
    await Promise.all(spools.map((spool) => spool.status === 'fulfilled' && spool.value.close()));
    await Promise.all(this.#files.splice(0).map((file) => file.close()));
  }

  async #decode(
    job: Omit<Extract<LayerJob, { kind: 'decode' }>, 'spool'>,
    opening: Promise<FileHandle>,
    layer: Layer,
  ): Promise<DecodedBlob> {
    const { fd: spool } = await opening;
    const tell = this.#options.progressOf(layer);
    let done = 0;
    const report = await this.#pool.run({ ...job, spool }, (bytes) => {
      done += bytes;
      if (!this.#haveArrived) return;
      tell(done);
      done = 0;
    });
    return { spool, report };
  }
}

function keyOf({ digest, diffId }: Layer): string {
  return `${digest} ${diffId}`;
}
