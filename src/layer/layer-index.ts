import { requireThat } from '../base/call/check-options.js';
import type { Region } from '../base/io/region.js';
import type { Warning } from '../errors.js';
import type { Layer } from '../image/image.js';
import type { Digest } from '../reference/digest.js';
import type { Entries } from './entries.js';
import { EntryTable } from './entry-table.js';
import type { FillLevel } from './fill-level.js';

/** What was found when a layer's bytes were hashed. `undefined` where nothing was hashed. */
export interface LayerDigests {
  readonly digest?: Digest;
  readonly diffId?: Digest;
}

/** What one layer holds: its entries, without their contents. Made by `inspectLayers`; valid until the image is closed. */
export interface LayerIndex {
  readonly layer: Layer;
  /** Where in its image the layer lies, counted from 0, the oldest, and how many layers the image has. */
  readonly place: { readonly position: number; readonly of: number };
  readonly entries: Entries;
  /** Sum of the sizes in the layer's headers, in bytes, as engines count a layer's size. */
  readonly contentSize: number;
  readonly warnings: readonly Warning[];
  /**
   * Settles when the layer's bytes have been hashed and compared (at once with `verify: false`).
   * Rejects with DIMGX_IMAGE_DIGEST_MISMATCH, DIMGX_IMAGE_SIZE_MISMATCH or DIMGX_EXTRACT_CHANGED.
   */
  readonly verified: Promise<LayerDigests>;
}

/** The same as the stages use it: with the bytes behind it. */
export interface IndexedLayer extends LayerIndex {
  /** The layer's uncompressed bytes, as far as `filled` says that they are there. */
  readonly region: Region;
  /** A layer whose headers were known beforehand may still be on its way. Rejects with what is wrong with it. */
  readonly filled: FillLevel;
  readonly entries: EntryTable;
  /** The image is for Windows, whose records in the headers of entries are kept. */
  readonly forWindows: boolean;
}

/** The layers that a caller passes, as `inspectLayers` made them. @throws DIMGX_CLI_USAGE */
export function indexedLayers(layers: readonly LayerIndex[]): readonly IndexedLayer[] {
  requireThat(Array.isArray(layers), 'the layers', 'an array', layers);
  for (const each of layers) {
    requireThat(each?.entries instanceof EntryTable, 'each layer', 'one that inspectLayers gave', each);
  }
  return layers as readonly IndexedLayer[];
}
