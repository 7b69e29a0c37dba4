import type { Region, RegionFile } from '../base/io/region.js';
import type { CompressionName } from '../compression/codecs.js';
import type { Layer, StoredLayer } from './layer.js';

/** Receives the length of a spool while it is being filled. */
export interface SpoolWatcher {
  grown(length: number): void;
}

/** Starts watching a spool that is still empty. */
export type WatchSpool = (spool: RegionFile) => SpoolWatcher;

/** Receives the progress of a layer's stored bytes while they arrive. */
export interface LayerWatcher extends SpoolWatcher {
  /** The bytes written are wrong or will stay incomplete: anything read from them must be dropped. */
  discard(): void;
}

/** File that a layer's stored bytes are being written to. */
export interface LayerFile {
  readonly region: Region;
  close(): Promise<void>;
}

/** Starts watching a compressed layer whose first bytes have been written. The watcher closes the file. */
export type WatchLayer = (layer: Layer, file: LayerFile, compression: CompressionName) => LayerWatcher;

/** Callbacks for watching what a source fetches while it arrives. */
export interface WatchArrivals {
  /** Called for each spool that an archive is written to. */
  readonly spool: WatchSpool;
  /** Called for each layer that arrives on its own. Its digest has been checked by the time all layers have arrived. */
  readonly layer: WatchLayer;
  /** Called for each uncompressed layer that can be read by position while others cannot yet. */
  readonly ready: (layer: StoredLayer) => void;
}
