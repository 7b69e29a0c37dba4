import { decodeEntry, emptyEntry } from './decode.js';
import { ODD } from './entry.js';
import { paxSparseFormat, paxSparseMap } from './pax-sparse.js';
import { headSparseMap, oldSparseMap } from './sparse.js';

/** Where a sparse file's stored bytes belong. */
export interface SparseStretches {
  /** In bytes, including holes. */
  readonly realSize: number;
  /** Offset of the stored bytes, which hold the stretches back to back; in bytes from the start of the entry. */
  readonly dataOffset: number;
  /** Alternating offsets in the file and lengths: in order, inside the file, and adding up to the stored bytes. */
  readonly map: readonly number[];
}

/**
 * Reads the map of a sparse file in any form: old GNU, PAX 0.0, 0.1 or 1.0.
 *
 * @param raw the entry from its first header on, as much as is available
 * @returns the stretches, or the number of bytes needed from the start of the entry
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
