import { decodeEntry, emptyEntry } from './decode.js';
import { ODD } from './entry.js';
import { paxSparseFormat, paxSparseMap } from './pax-sparse.js';
import { headSparseMap, oldSparseMap } from './sparse.js';

/** Where the bytes of a sparse file belong. */
export interface SparseStretches {
  /** In bytes, holes included. */
  readonly realSize: number;
  /** Of the stored bytes, which lie one stretch behind the other; in bytes from the start of the entry. */
  readonly dataOffset: number;
  /** Offsets in the file and lengths in turn: in order, inside the file, and as many bytes as are stored. */
  readonly map: readonly number[];
}

/**
 * Reads the map of a sparse file in any form: old GNU, PAX 0.0, 0.1 or 1.0.
 *
 * @param raw the entry from its first header on, as far as it is at hand
 * @returns the stretches, or how many bytes from the start of the entry are needed
 * @throws DIMGX_TAR_BAD_SPARSE, DIMGX_TAR_BAD_HEADER, DIMGX_TAR_BAD_PAX
 */
export function sparseStretches(raw: Uint8Array): SparseStretches | { readonly need: number } {
  const entry = emptyEntry();
  const decoded = decodeEntry(raw, 0, 0, entry);
  if (typeof decoded === 'object') return decoded;
  const { size: realSize, headerOffset, dataOffset, odd, pax } = entry;
  if ((odd & ODD.oldSparse) !== 0) {
    const old = oldSparseMap(raw, headerOffset);
    return 'need' in old ? old : { realSize, dataOffset, map: old.map };
  }
  if (paxSparseFormat(pax)?.format !== 'head') return { realSize, dataOffset, map: paxSparseMap(pax) };
  const head = headSparseMap(raw.subarray(dataOffset));
  if (head === 'more') return { need: raw.length + 1 };
  return { realSize, dataOffset: dataOffset + head.length, map: head.map };
}
