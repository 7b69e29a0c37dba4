import type { Region, RegionFile } from '../base/io/region.js';
import type { Resources } from '../base/io/resources.js';
import type { CompressionName } from '../compression/codec.js';
import type { DimgxError } from '../errors.js';
import type { Digest } from '../reference/digest.js';
import type { Platform } from './platform.js';

/** One step of the image's making, as the config tells it. Times and commands are untrusted text. */
export interface HistoryEntry {
  /** RFC 3339, as the config has it. */
  readonly created?: string;
  readonly createdBy?: string;
  readonly comment?: string;
}

/** A layer as its source tells of it: immutable, not yet decoded. */
export interface Layer {
  /** The stored bytes, compressed or not. Absent as long as only the source has them: see `Image.fetch`. */
  readonly blob?: Region;
  /** Why the layer cannot be read, as far as that is known without reading it. `fetch` fails with it. */
  readonly problem?: DimgxError;
  /** Found by magic bytes, whatever the media type says; known with the blob. */
  readonly compression?: CompressionName;
  readonly mediaType?: string;
  /** Of the stored bytes, where the source names one. */
  readonly digest?: Digest;
  /** Of the stored bytes, as the descriptor claims it, in bytes. */
  readonly claimedSize?: number;
  /** Of the uncompressed bytes, where the config names one. */
  readonly diffId?: Digest;
  /** Of its contents, in bytes, as an engine counts them; nothing was read for it. */
  readonly claimedContentSize?: number;
  /** The ID under which archives of Docker ≤ 24 file the layer: 64 hex digits. */
  readonly legacyId?: string;
  /** The ID of the image whose newest layer this is: 64 hex digits. */
  readonly imageId?: string;
  /** Names of the image whose newest layer this is. */
  readonly tags: readonly string[];
  readonly history?: HistoryEntry;
  /** What to call the layer in messages: printable, unique in its image. */
  readonly name: string;
}

/** A layer whose stored bytes can be read by position. */
export interface StoredLayer extends Layer {
  readonly blob: Region;
  readonly compression: CompressionName;
  /** Where its source keeps it beyond this image. */
  readonly keeper?: LayerKeeper;
}

/** Keeps what was derived from the stored bytes of a layer, for other times. */
export interface LayerKeeper {
  load(): Promise<Uint8Array | undefined>;
  save(parts: readonly Uint8Array[]): Promise<void>;
  /** Forgets the stored bytes, which turned out to be damaged; they can be fetched anew. */
  discard(): Promise<void>;
}

/** A line of the listing: a step of the history, with the layer it made, or none when it carries only metadata. */
export interface HistoryRow {
  readonly history: HistoryEntry;
  readonly layer?: Layer;
  /** Of the image as it was after this step, where an engine knows it: its ID, 64 hex digits, and its names. */
  readonly imageId?: string;
  readonly tags?: readonly string[];
}

/** Is told how many bytes of a spool are written, while it is being filled. */
export interface SpoolWatcher {
  grown(length: number): void;
}

/** Begins to watch a spool that is still empty. */
export type WatchSpool = (spool: RegionFile) => SpoolWatcher;

/** Is told of the stored bytes of a layer while they arrive. */
export interface LayerWatcher extends SpoolWatcher {
  /** What was written is not what it should be, or will not be whole: what was read of it is forgotten. */
  discard(): void;
}

/** Where the stored bytes of a layer are going to be. */
export interface LayerFile {
  readonly region: Region;
  close(): Promise<void>;
}

/** Begins to watch a compressed layer, whose first bytes are there; whoever watches closes the file. */
export type WatchLayer = (layer: Layer, file: LayerFile, compression: CompressionName) => LayerWatcher;

/** How what a source fetches is watched while it arrives. */
export interface WatchArrivals {
  /** Each spool that an archive arrives in. */
  readonly spool: WatchSpool;
  /** Each layer that arrives by itself; its digest has been compared when all have arrived. */
  readonly layer: WatchLayer;
}

/** What dimgx uses of an image config. Source: OCI image-spec, config.md. */
export interface ImageConfig {
  readonly created?: string;
  readonly architecture?: string;
  readonly os?: string;
  readonly variant?: string;
  /** The whole document as parsed. */
  readonly document: unknown;
}

/** An image, opened: an immutable view. */
export interface Image {
  /** As given by the user. */
  readonly reference: string;
  /** Which source served it, and from where. */
  readonly source: { readonly transport: string; readonly location: string };
  /** Digest of the config: 64 hex digits; in archives of 2015 the ID of the newest layer. */
  readonly id: string;
  /** Of the manifest, where the source has one. */
  readonly manifestDigest?: Digest;
  readonly tags: readonly string[];
  readonly config: ImageConfig;
  readonly platform?: Platform;
  /** Oldest to newest. */
  readonly layers: readonly Layer[];
  /** Oldest to newest; holds every layer once, in order. */
  readonly history: readonly HistoryRow[];
  /**
   * Brings the stored bytes of layers to where they can be read by position. Where they lie there, it costs nothing.
   *
   * @param watch what arrives
   * @returns the same layers, in order
   * @throws what the source throws when it is read
   */
  fetch(layers: readonly Layer[], watch?: WatchArrivals): Promise<readonly StoredLayer[]>;
  /** What the image holds open; `close` gives it back. */
  readonly resources: Resources;
  /** Closes descriptors, ends workers, removes spools. May be called twice. */
  close(): Promise<void>;
  /** The same as `close`, for `await using image = await openImage(…)`. */
  [Symbol.asyncDispose](): Promise<void>;
}
