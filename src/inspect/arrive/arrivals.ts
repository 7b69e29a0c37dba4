import type { Limits } from '../../base/limits.js';
import type { WatchArrivals } from '../../image/arrivals.js';
import type { StoredLayer } from '../../image/layer.js';
import type { DecodedLayer } from '../layer-decoder.js';
import { ArrivingArchives, type IndexedMember } from './arriving-archives.js';
import { ArrivingBlobs, type ArrivingBlobsOptions } from './arriving-blobs.js';
import type { ReadyLayers } from './ready-layers.js';

interface ArrivalsOptions extends ArrivingBlobsOptions {
  readonly limits: Limits;
  /** Hashes layers as soon as they can be read. */
  readonly ready: ReadyLayers;
}

/** What was read of a layer while it arrived. */
export type Arrival =
  /** An uncompressed layer, read in place. Its entries do not count towards the limits yet. */
  | { readonly way: 'indexed'; readonly member: IndexedMember }
  /** A compressed layer. Its stored bytes match their digest. */
  | { readonly way: 'decoded'; readonly decoded: DecodedLayer };

/**
 * Reads layers while the image's source still fetches them, in threads behind the writer. Layers that cannot be read
 * this way are left to be read afterwards.
 */
export class Arrivals {
  readonly watch: WatchArrivals;
  readonly #archives: ArrivingArchives;
  readonly #blobs: ArrivingBlobs;
  #members: readonly IndexedMember[] = [];

  constructor({ limits, ready, ...options }: ArrivalsOptions) {
    this.#archives = new ArrivingArchives(limits, options.hashes, options.pool);
    this.#blobs = new ArrivingBlobs(options);
    this.watch = {
      spool: this.#archives.watch,
      layer: this.#blobs.watch,
      ready: (layer) => options.hashes && ready.hashSoon(layer),
    };
  }

  /** Call this once everything has arrived. Waits until the archives have been read to the end. */
  async finish(): Promise<void> {
    this.#blobs.finish();
    this.#members = await this.#archives.finish();
  }

  /**
   * What was read of a layer. Waits until it is decoded.
   *
   * @returns `undefined` if the layer has to be read now
   * @throws what is wrong with the layer; DIMGX_ABORTED after `close`
   */
  async take(layer: StoredLayer): Promise<Arrival | undefined> {
    const { file, offset, length } = layer.blob;
    const member = this.#members.find((each) => each.file === file && each.offset === offset && each.length === length);
    if (member) return { way: 'indexed', member };
    const decoded = await this.#blobs.take(layer);
    return decoded && { way: 'decoded', decoded };
  }

  /** Ends the threads at once. */
  async close(): Promise<void> {
    await Promise.all([this.#archives.close(), this.#blobs.close()]);
  }
}
