import type { Choice, ErrorCode, WarningCode } from '../errors.js';

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
