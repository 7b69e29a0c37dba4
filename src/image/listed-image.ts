import type { Choice, ErrorCode, WarningCode } from '../errors.js';

/** An image, or what lies beside images, in an archive, a layout, an engine or an index of a registry. */
export interface ListedImage extends Choice {
  /** `N` of `@N`, by which it is chosen; absent where it is chosen by its platform or its digest. */
  readonly number?: number;
  /** Of the image: the digest of its config, or in archives of 2015 its ID; 64 hex digits. */
  readonly id?: string;
  /** Digest of the index that lists it. */
  readonly index?: string;
  /** Of its config and layers as they are stored, in bytes; in an engine, of its contents. */
  readonly size?: number;
  /** Digests or paths of what is not there: the first few. */
  readonly missing: readonly string[];
  /** Why its documents cannot be read. */
  readonly problem?: { readonly code: ErrorCode | WarningCode; readonly message: string };
}

/** What lies in one place. */
export interface ImageList {
  /** As given by the user. */
  readonly reference: string;
  /** Which kind of source served the list, and from where. */
  readonly source: { readonly transport: string; readonly location: string };
  /** In the order of the place; what an index lists comes after it. */
  readonly images: readonly ListedImage[];
}
