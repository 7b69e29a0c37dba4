import type { Resources } from '../base/io/resources.js';
import type { Limits } from '../base/limits.js';
import { requireThat } from '../check-options.js';
import type { Choice, DimgxError, ErrorCode, WarningCode } from '../errors.js';
import type { Progress } from '../options.js';
import type { Digest } from '../reference/digest.js';
import type { WatchArrivals, WatchSpool } from './arrivals.js';
import type { Container, ListedContainer } from './container.js';
import type { HistoryRow, Layer, StoredLayer } from './layer.js';
import type { Leftover } from './leftover.js';
import type { Platform } from './platform.js';

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
  /** The container, if it is one: its own layers are the newest. */
  readonly container?: Container;
  /** Oldest to newest. */
  readonly layers: readonly Layer[];
  /** Oldest to newest. Contains every layer once, in order. */
  readonly history: readonly HistoryRow[];
  /** Closes descriptors, stops workers and removes temporary files. May be called more than once. */
  close(): Promise<void>;
  /** Same as `close`, for `await using image = await openImage(…)`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** The documents of an image, in the bytes that its source has. */
export interface ImageDocuments {
  readonly config?: Uint8Array | undefined;
  /** The manifest, or for an archive of `docker save` its `manifest.json`. */
  readonly manifest?: Uint8Array | undefined;
  /** The index that the manifest was chosen from. */
  readonly index?: Uint8Array | undefined;
}

/** An image with access to its source, for internal use. Every `Image` is one. */
export interface OpenedImage extends Image {
  /**
   * Makes the stored bytes of layers readable by position. This costs nothing if they already are.
   *
   * @param watch callbacks for what arrives
   * @returns the same layers, in order
   * @throws what the source throws while it is read
   */
  fetch(layers: readonly Layer[], watch?: WatchArrivals): Promise<readonly StoredLayer[]>;
  /** Loads the index that was saved of a layer, which need not be fetched for that. Absent: the source keeps none. */
  loadIndex?(layer: Layer): Promise<Uint8Array | undefined>;
  /** The documents that were read. An engine tells them only once its layers have been fetched. */
  readonly documents?: () => ImageDocuments;
  /** Why files were left out of the layers that were fetched, with the option `keepGoing`. */
  readonly leftOut?: readonly DimgxError[];
  /** Resources that the image holds open; `close` releases them. */
  readonly resources: Resources;
}

/** Checks that the image passed by a caller was made by `openImage`. @throws DIMGX_OPTION_INVALID */
export function openedImage(image: Image): OpenedImage {
  requireThat(
    image !== null && typeof image === 'object' && 'fetch' in image,
    'the image',
    'an image from openImage',
    image,
  );
  return image as OpenedImage;
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
  /** Reference of the storage that has the image, in a list of several: `docker-root:/mnt/var/lib/docker`. */
  readonly store?: string;
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
  /** The containers, if it is the storage of an engine. */
  readonly containers?: readonly ListedContainer[];
  /** What no image and no container uses, if it is the storage of an engine. */
  readonly leftovers?: readonly Leftover[];
}

/** Resources and options for opening an image. Anything that must be closed later goes into `resources`. */
export interface OpenContext {
  readonly resources: Resources;
  readonly limits: Limits;
  readonly tmpDir?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Estimated length of a stream, in bytes. */
  readonly expected?: number | undefined;
  readonly watch?: WatchSpool | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}
