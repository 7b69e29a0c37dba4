import type { CompressionName } from '../compression/codecs.js';
import type { LayerRegion } from '../compression/packed-region.js';
import type { DimgxError } from '../errors.js';
import type { Digest } from '../reference/digest.js';

/** One step of the image's history, as recorded in the config. Times and commands are untrusted text. */
export interface HistoryEntry {
  /** RFC 3339, exactly as in the config. */
  readonly created?: string;
  readonly createdBy?: string;
  readonly comment?: string;
}

/** A repository that a layer was pulled from or pushed to, as an engine's storage remembers it. Untrusted text. */
export interface LayerOrigin {
  /** With its registry: `docker.io/library/debian`. */
  readonly repository: string;
  /** Digest of the layer as the registry stores it. */
  readonly digest: Digest;
}

/** A layer as described by its source: immutable, not yet decoded. */
export interface Layer {
  /** Why the layer cannot be read, if that is known without reading it. `inspectLayers` rejects with it. */
  readonly problem?: DimgxError;
  /** Detected by magic bytes, regardless of the media type. Absent until the stored bytes have been fetched. */
  readonly compression?: CompressionName;
  readonly mediaType?: string;
  /** Digest of the stored bytes, if the source names one. */
  readonly digest?: Digest;
  /** Size of the stored bytes according to the descriptor, in bytes. */
  readonly claimedSize?: number;
  /** Size of the stored bytes, in bytes: measured if they have been opened, else `claimedSize`. */
  readonly storedSize?: number;
  /** Digest of the uncompressed bytes, if the config names one. */
  readonly diffId?: Digest;
  /** Size of the contents as the engine reports it, in bytes. Nothing is read to compute it. */
  readonly claimedContentSize?: number;
  /** ID of the layer in archives of Docker ≤ 24: 64 hex digits. */
  readonly legacyId?: string;
  /** ID of the image whose newest layer this is: 64 hex digits. */
  readonly imageId?: string;
  /** ID of the container whose changes these are. */
  readonly containerId?: string;
  /** Where it came from, if the source remembers that. */
  readonly origins?: readonly LayerOrigin[];
  /** Names of the image whose newest layer this is. */
  readonly tags: readonly string[];
  readonly history?: HistoryEntry;
  /** Name of the layer in messages: printable, unique in its image. */
  readonly name: string;
}

/**
 * A layer whose stored bytes can be read: by position, as a part of an archive that is compressed as a whole, or rebuilt
 * from an engine's storage.
 */
export interface StoredLayer extends Layer {
  /** The stored bytes, compressed or not. */
  readonly blob: LayerRegion;
  readonly compression: CompressionName;
  /**
   * Set if the stored bytes come from a place that may change or mislead. They are used only once they match the diff ID,
   * whether or not the caller wants anything verified. If they do not, this fetches the layer in another way.
   *
   * @param failure why the stored bytes are of no use
   * @throws as `OpenedImage.fetch`
   */
  readonly otherwise?: (failure: DimgxError) => Promise<StoredLayer>;
  /** Stores what is derived from the layer beyond the lifetime of this image, if the source supports it. */
  readonly keeper?: LayerKeeper;
}

/** Keeps data derived from a layer's stored bytes for later runs. */
export interface LayerKeeper {
  load(): Promise<Uint8Array | undefined>;
  save(parts: readonly Uint8Array[]): Promise<void>;
  /** Deletes the stored bytes because they are damaged. They can be fetched again. */
  discard(): Promise<void>;
}

/** A row of the listing: a history step and the layer it made. A step that only changes metadata has no layer. */
export interface HistoryRow {
  readonly history: HistoryEntry;
  readonly layer?: Layer;
  /** ID (64 hex digits) and names of the image after this step, if the engine knows them. */
  readonly imageId?: string;
  readonly tags?: readonly string[];
}
