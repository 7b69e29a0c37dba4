import type { Warning } from '../errors.js';
import type { Digest } from '../image/digest.js';
import type { Layer } from '../image/image.js';
import type { Region } from '../image/region.js';
import type { EntryTable } from './entry-table.js';
import type { FillLevel } from './fill-level.js';

/** What was found when a layer's bytes were hashed. `undefined` where nothing was hashed. */
export interface LayerDigests {
  readonly digest?: Digest;
  readonly diffId?: Digest;
}

/** A layer whose headers have been read: where each entry's raw bytes lie. No contents. */
export interface LayerIndex {
  readonly layer: Layer;
  /** Where in its image the layer lies, counted from 0, the oldest, and how many layers the image has. */
  readonly place: { readonly position: number; readonly of: number };
  /** The layer's uncompressed bytes, as far as `filled` says that they are there; valid until the image is closed. */
  readonly region: Region;
  /** A layer whose headers were known beforehand may still be on its way. Fails with what is wrong with it. */
  readonly filled: FillLevel;
  readonly entries: EntryTable;
  /** Sum of the sizes in the layer's headers, in bytes, as engines count a layer's size. */
  readonly contentSize: number;
  readonly warnings: readonly Warning[];
  /** The image is for Windows, whose records in the headers of entries are kept. */
  readonly forWindows: boolean;
  /**
   * Settles when the layer's bytes have been hashed and compared (at once with `verify: false`).
   * Rejects with DIMGX_IMAGE_DIGEST_MISMATCH, DIMGX_IMAGE_SIZE_MISMATCH or DIMGX_EXTRACT_CHANGED.
   */
  readonly verified: Promise<LayerDigests>;
}
