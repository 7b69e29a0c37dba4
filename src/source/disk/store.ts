import type { DimgxError } from '../../errors.js';
import type { Candidate } from '../../image/choose/choose-image.js';
import type { Digest } from '../../reference/digest.js';

/** Where a layer is in an engine's storage. */
export interface StoreLayer {
  /** The folder that has its files: a path below that of the store. */
  readonly folder: string;
  /** Its tar-split document, likewise. */
  readonly tarSplit: string;
  /** Its size as the engine records it, in bytes. */
  readonly size?: number;
}

/** An image in an engine's storage. */
export interface StoreImage extends Candidate {
  /** Its config, likewise. */
  readonly config: string;
  /** Whether the engine would list it: it has a name, or no other image is built on it. */
  readonly isListed: boolean;
  /**
   * Finds its layers.
   *
   * @param diffIds from its config, oldest first
   * @returns one for each, or why that layer cannot be read
   * @throws DIMGX_SOURCE_UNREADABLE, DIMGX_LAYER_BAD_PARENT, DIMGX_IMAGE_LAYER_COUNT
   */
  layers(diffIds: readonly Digest[]): readonly (StoreLayer | DimgxError)[];
}

/** The images of an engine's storage, by what its documents say. */
export interface Store {
  readonly transport: string;
  /** All images, in the order of the store. @throws DIMGX_IMAGE_*, DIMGX_SOURCE_* */
  images(): readonly StoreImage[];
}

/** IDs of images and layers, which become parts of paths. Anything else is refused. */
export function isStoreId(text: unknown): text is string {
  return typeof text === 'string' && /^[0-9a-f]{64}$/.test(text);
}
