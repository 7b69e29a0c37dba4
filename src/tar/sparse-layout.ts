import { decodeEntry } from './decode.js';
import { emptyEntry, QUIRK } from './entry.js';
import { BLOCK, padded } from './header.js';
import { encodePax, type PaxRecord } from './pax.js';
import { headSparseMap, oldSparseMap, paxSparseFormat, paxSparseMap } from './sparse.js';

/**
 * A sparse file laid out so that all readers interpret it alike: each stretch begins on a block boundary, and the last
 * one ends at the end of the file.
 */
export interface SparseLayout {
  /** In bytes, including holes. */
  readonly realSize: number;
  /** The padded map, in the form that precedes the contents (PAX 1.0). */
  readonly head: Uint8Array;
  /**
   * What follows the map, including padding: positive numbers count bytes of stored contents, negative ones zero bytes.
   */
  readonly parts: readonly number[];
  /** Size of head and contents, in bytes, without padding. */
  readonly size: number;
  /** Offset of the contents, after any map at their start; in bytes from the start of the entry. */
  readonly dataOffset: number;
}

/**
 * Computes a new layout for a sparse file. Stretches grow to whole blocks, taking zeros from the holes beside them: GNU
 * tar reads each stretch from the next block, other readers from the next byte. A file that ends in a hole gets an
 * empty stretch at its end; without it, GNU tar makes the file too short.
 *
 * @param raw a checked entry: its headers, and as much of its contents as is available
 * @returns the layout, or `more` if more of the contents is needed
 */
export function sparseLayout(raw: Uint8Array): SparseLayout | 'more' {
  const entry = emptyEntry();
  decodeEntry(raw, 0, 0, entry);
  const isInHead = paxSparseFormat(entry.pax)?.format === 'head';
  const stored = isInHead ? headSparseMap(raw.subarray(entry.dataOffset)) : { map: paxSparseMap(entry.pax), length: 0 };
  if (stored === 'more') return 'more';
  const { map, parts, length } = wholeBlocks(stored.map, entry.size);
  const head = Buffer.from(`${map.length / 2}\n${map.join('\n')}\n`, 'latin1');
  return {
    realSize: entry.size,
    head: Buffer.concat([head, Buffer.alloc(padded(head.length) - head.length)]),
    parts,
    size: padded(head.length) + length,
    dataOffset: entry.dataOffset + stored.length,
  };
}

/** PAX records of a file whose map precedes its contents. */
export function sparseRecords({ realSize }: SparseLayout): Uint8Array[] {
  const values: readonly (readonly [PaxRecord['key'], string])[] = [
    ['GNU.sparse.major', '1'],
    ['GNU.sparse.minor', '0'],
    ['GNU.sparse.realsize', String(realSize)],
  ];
  return values.map(([key, value]) => encodePax(key, Buffer.from(value, 'latin1')));
}

function wholeBlocks(stored: readonly number[], realSize: number) {
  const map: number[] = [];
  const parts: number[] = [];
  let length = 0;
  let end = 0;
  const fill = (to: number) => {
    if (to > end) parts.push(end - to);
    length += to - end;
    end = to;
  };
  for (let i = 0; i < stored.length; i += 2) {
    const offset = stored[i] as number;
    const count = stored[i + 1] as number;
    if (count === 0) continue;
    const start = offset - (offset % BLOCK);
    if (map.length === 0 || start > padded(end)) {
      if (map.length > 0) fill(padded(end));
      end = start;
      map.push(start, 0);
    }
    fill(offset);
    parts.push(count);
    length += count;
    end = offset + count;
    map[map.length - 1] = padded(end) - (map[map.length - 2] as number);
  }
  if (map.length > 0) {
    fill(Math.min(padded(end), realSize));
    map[map.length - 1] = end - (map[map.length - 2] as number);
  }
  if (end < realSize || map.length === 0) map.push(realSize, 0);
  if (length % BLOCK !== 0) parts.push(length - padded(length));
  return { map, parts, length };
}

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
  const { size: realSize, headerOffset, dataOffset, quirks, pax } = entry;
  if ((quirks & QUIRK.oldSparse) !== 0) {
    const old = oldSparseMap(raw, headerOffset);
    return 'need' in old ? old : { realSize, dataOffset, map: old.map };
  }
  if (paxSparseFormat(pax)?.format !== 'head') return { realSize, dataOffset, map: paxSparseMap(pax) };
  const head = headSparseMap(raw.subarray(dataOffset));
  if (head === 'more') return { need: raw.length + 1 };
  return { realSize, dataOffset: dataOffset + head.length, map: head.map };
}
