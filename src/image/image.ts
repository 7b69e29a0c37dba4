import type { Region, RegionFile } from '../base/io/region.js';
import type { Resources } from '../base/io/resources.js';
import type { Limits } from '../base/limits.js';
import type { CompressionName } from '../compression/codecs.js';
import type { Choice, DimgxError, ErrorCode, WarningCode } from '../errors.js';
import type { Progress } from '../options.js';
import type { Digest } from '../reference/digest.js';
import type { Platform } from './platform.js';

/** One step of the image's history, as recorded in the config. Times and commands are untrusted text. */
export interface HistoryEntry {
  /** RFC 3339, exactly as in the config. */
  readonly created?: string;
  readonly createdBy?: string;
  readonly comment?: string;
}

/** A layer as described by its source: immutable, not yet decoded. */
export interface Layer {
  /** The stored bytes, compressed or not. Absent until `Image.fetch` has brought them from the source. */
  readonly blob?: Region;
  /** Why the layer cannot be read, if that is known without reading it. `fetch` rejects with it. */
  readonly problem?: DimgxError;
  /** Detected by magic bytes, regardless of the media type. Set whenever `blob` is. */
  readonly compression?: CompressionName;
  readonly mediaType?: string;
  /** Digest of the stored bytes, if the source names one. */
  readonly digest?: Digest;
  /** Size of the stored bytes according to the descriptor, in bytes. */
  readonly claimedSize?: number;
  /** Digest of the uncompressed bytes, if the config names one. */
  readonly diffId?: Digest;
  /** Size of the contents as the engine reports it, in bytes. Nothing is read to compute it. */
  readonly claimedContentSize?: number;
  /** ID of the layer in archives of Docker ≤ 24: 64 hex digits. */
  readonly legacyId?: string;
  /** ID of the image whose newest layer this is: 64 hex digits. */
  readonly imageId?: string;
  /** Names of the image whose newest layer this is. */
  readonly tags: readonly string[];
  readonly history?: HistoryEntry;
  /** Name of the layer in messages: printable, unique in its image. */
  readonly name: string;
}

/** A layer whose stored bytes can be read by position. */
export interface StoredLayer extends Layer {
  readonly blob: Region;
  readonly compression: CompressionName;
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
}

/** The parts of an image config that dimgx uses. Source: OCI image-spec, config.md. */
export interface ImageConfig {
  readonly created?: string;
  readonly architecture?: string;
  readonly os?: string;
  readonly variant?: string;
  /** The whole document as parsed. */
  readonly document: unknown;
}

/** An immutable view of an open image. */
export interface Image {
  /** As given by the user. */
  readonly reference: string;
  /** The kind of source, and where it is. */
  readonly source: { readonly transport: string; readonly location: string };
  /** Digest of the config, 64 hex digits. In archives from 2015: the ID of the newest layer. */
  readonly id: string;
  /** Digest of the manifest, if the source has one. */
  readonly manifestDigest?: Digest;
  readonly tags: readonly string[];
  readonly config: ImageConfig;
  readonly platform?: Platform;
  /** Oldest to newest. */
  readonly layers: readonly Layer[];
  /** Oldest to newest. Contains every layer once, in order. */
  readonly history: readonly HistoryRow[];
  /**
   * Makes the stored bytes of layers readable by position. This costs nothing if they already are.
   *
   * @param watch callbacks for what arrives
   * @returns the same layers, in order
   * @throws what the source throws while it is read
   */
  fetch(layers: readonly Layer[], watch?: WatchArrivals): Promise<readonly StoredLayer[]>;
  /** Resources that the image holds open; `close` releases them. */
  readonly resources: Resources;
  /** Closes descriptors, stops workers and removes spools. May be called more than once. */
  close(): Promise<void>;
  /** Same as `close`, for `await using image = await openImage(…)`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** An image in an archive, a layout, an engine or a registry's index, or another item listed beside images. */
export interface ListedImage extends Choice {
  /** `N` of the selector `@N`. Absent if the image is selected by platform or digest. */
  readonly number?: number;
  /** ID of the image, 64 hex digits: the digest of its config, or the ID used in archives from 2015. */
  readonly id?: string;
  /** Digest of the index that lists the image. */
  readonly index?: string;
  /** Size of the config and layers as stored, in bytes. In an engine: size of the contents. */
  readonly size?: number;
  /** Digests or paths of missing blobs: only the first few. */
  readonly missing: readonly string[];
  /** Why the image's documents cannot be read. */
  readonly problem?: { readonly code: ErrorCode | WarningCode; readonly message: string };
}

/** The images found in one place. */
export interface ImageList {
  /** As given by the user. */
  readonly reference: string;
  /** The kind of source, and where it is. */
  readonly source: { readonly transport: string; readonly location: string };
  /** In the order of the source. Images listed by an index follow it. */
  readonly images: readonly ListedImage[];
}

/** Resources and options for opening an image. Anything that must be closed later goes into `resources`. */
export interface OpenContext {
  readonly resources: Resources;
  readonly limits: Pick<Limits, 'maxSize'>;
  readonly tmpDir?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Estimated length of a stream, in bytes. */
  readonly expected?: number | undefined;
  readonly watch?: WatchSpool | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}
