import type { RegionFile } from '../../base/io/region.js';
import type { Limits } from '../../base/limits.js';
import { SharedLength } from '../../base/worker/shared-length.js';
import type { ThreadShare } from '../../base/worker/thread-share.js';
import type { WatchSpool } from '../../image/arrivals.js';
import { followTask, threadTask } from '../layer-task.js';
import type { InspectionPool } from '../pool.js';
import type { FollowedLayer } from './follow-archive.js';

/** An uncompressed layer that was indexed and hashed while its archive arrived: a region of a spool. */
export interface IndexedMember extends FollowedLayer {
  readonly file: RegionFile;
}

/**
 * Indexes and hashes the layers of archives while these are still being spooled, in a thread that reads behind the
 * writer. When the last byte has arrived, almost nothing is left to do. Layers that cannot be read this way, because
 * they are compressed or damaged, are left to be read afterwards.
 */
export class ArrivingArchives {
  readonly #limits: Limits;
  readonly #hashes: boolean;
  readonly #share: ThreadShare;
  readonly #spools: { readonly length: SharedLength; readonly layers: Promise<readonly IndexedMember[]> }[] = [];

  /** @param hashes whether to hash layers as well */
  constructor(limits: Limits, hashes: boolean, { followers }: InspectionPool) {
    this.#share = followers.share({ threads: 1 });
    this.#limits = limits;
    this.#hashes = hashes;
  }

  readonly watch: WatchSpool = (file) => {
    const length = new SharedLength();
    const task = threadTask(followTask(file, length, this.#limits, this.#hashes), () => {});
    const layers = (this.#share.tryRun(task) ?? Promise.resolve({ followed: [] as FollowedLayer[] })).then(
      ({ followed = [] }) => followed.map((layer) => ({ ...layer, file })),
      () => [],
    );
    this.#spools.push({ length, layers });
    return { grown: (bytes) => length.grow(bytes) };
  };

  /** Waits until the spools, which no longer grow, have been read to the end. Then ends the thread. */
  async finish(): Promise<readonly IndexedMember[]> {
    for (const { length } of this.#spools) length.end();
    const layers = await Promise.all(this.#spools.map((spool) => spool.layers));
    await this.close();
    return layers.flat();
  }

  /** Ends the thread at once. */
  async close(): Promise<void> {
    await this.#share.close();
  }
}
