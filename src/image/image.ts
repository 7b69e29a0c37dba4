import type { CompressionName } from '../compression/codec.js';
import type { Digest } from './digest.js';
import type { Platform } from './platform.js';
import type { Region } from './region.js';
import type { Resources } from './resources.js';

/** One step of the image's making, as the config tells it. Times and commands are untrusted text. */
export interface HistoryEntry {
  /** RFC 3339, as the config has it. */
  readonly created?: string;
  readonly createdBy?: string;
  readonly comment?: string;
}

/** A layer as its source holds it: immutable, not yet decoded. */
export interface Layer {
  /** The stored bytes, compressed or not. */
  readonly blob: Region;
  /** Found by magic bytes, whatever the media type says. */
  readonly compression: CompressionName;
  readonly mediaType: string;
  /** Of the stored bytes, where the source names one. */
  readonly digest?: Digest;
  /** Of the stored bytes, as the descriptor claims it, in bytes. */
  readonly claimedSize?: number;
  /** Of the uncompressed bytes, where the config names one. */
  readonly diffId?: Digest;
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

/** A line of the listing: a step of the history, with the layer it made, or none when it carries only metadata. */
export interface HistoryRow {
  readonly history: HistoryEntry;
  readonly layer?: Layer;
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
  /** What the image holds open; `close` gives it back. */
  readonly resources: Resources;
  /** Closes descriptors, ends workers, removes spools. May be called twice. */
  close(): Promise<void>;
}
