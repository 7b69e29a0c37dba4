import { BLOCK, padded } from './block.js';
import { decodeEntry, emptyEntry } from './decode.js';
import { encodePax, type PaxRecord } from './pax.js';
import { paxSparseFormat, paxSparseMap } from './pax-sparse.js';
import { headSparseMap } from './sparse.js';

/** A sparse file laid out so that all readers take it alike: each stretch begins on a block, the last ends the file. */
export interface SparseLayout {
  /** In bytes, holes included. */
  readonly realSize: number;
  /** The map, in the form that stands at the head of the contents (PAX 1.0), padded. */
  readonly head: Uint8Array;
  /** What follows it, padding included: so many bytes of the stored contents where positive, of zeros where negative. */
  readonly parts: readonly number[];
  /** Head and contents, without padding. */
  readonly size: number;
  /** Of the contents in the entry, behind the map they may begin with; in bytes from the start of the entry. */
  readonly dataOffset: number;
}

/**
 * Lays the contents of a sparse file out anew. Stretches grow to whole blocks by zeros out of the holes beside them: GNU
 * tar reads each from the next block, others from the next byte. A file that ends in a hole ends in an empty stretch,
 * without which GNU tar makes it too short.
 *
 * @param raw a checked entry: its headers, and its contents as far as they are at hand
 * @returns the layout, or that more of the contents is needed
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

/** The records of a file whose map stands at the head of its contents. */
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
