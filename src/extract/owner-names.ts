import type { EntryTable } from '../layer/entry-table.js';
import type { IndexedLayer } from '../layer/layer-index.js';
import { QUIRK } from '../tar/entry.js';
import { setChecksum } from '../tar/header.js';
import { clearOwnerNames } from '../tar/owner-names.js';

/** A stretch of a layer that is copied into a buffer. */
interface Copy {
  readonly entries: EntryTable;
  readonly from: number;
  readonly to: Uint8Array;
}

/**
 * Empties the owner names of headers that are copied as they stand. It is done in the buffer that they are copied to,
 * so that a layer with names in every header is copied in long stretches all the same. A layer without any costs
 * nothing.
 */
export class OwnerNames {
  /** For each layer, its entries if one of them has such names. */
  readonly #named: readonly (EntryTable | undefined)[];
  #copies: Copy[] = [];

  constructor(layers: readonly IndexedLayer[]) {
    this.#named = layers.map(({ entries }) => {
      const isNamed = entries.columns.flags.some((flags) => (flags & QUIRK.ownerName) !== 0);
      return isNamed ? entries : undefined;
    });
  }

  /** Notes that bytes of a layer, from an offset in it on, are being copied to a part of a buffer. */
  note(layer: number, from: number, to: Uint8Array): void {
    const entries = this.#named[layer];
    if (entries) this.#copies.push({ entries, from, to });
  }

  /**
   * Empties the names in the headers of all copies noted, once their bytes have arrived. The buffer has all copies, and
   * whole header blocks: copies may meet within one.
   */
  clear(buffer: Uint8Array): void {
    for (const { entries, from, to } of this.#copies) {
      const at = to.byteOffset - buffer.byteOffset - from;
      for (let i = entries.firstFrom(from); i < entries.length; i++) {
        const header = entries.headerOffset(i);
        if (header >= from + to.length) break;
        if ((entries.flags(i) & QUIRK.ownerName) === 0) continue;
        clearOwnerNames(buffer, at + header);
        setChecksum(buffer, at + header);
      }
    }
    this.#copies = [];
  }
}
