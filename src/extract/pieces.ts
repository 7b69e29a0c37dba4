import type { IndexedLayer } from '../layer/layer-index.js';
import type { PlanColumns } from '../merge/plan.js';
import { QUIRK } from '../tar/entry.js';
import type { SparseLayout } from '../tar/sparse-layout.js';

/**
 * A part of the output: a range of a layer's bytes, bytes at hand, zeros, or a header to be generated. `item` is a
 * number in the plan.
 */
export type Piece =
  | { readonly kind: 'bytes'; readonly layer: number; readonly from: number; readonly to: number }
  | { readonly kind: 'made'; readonly bytes: Uint8Array }
  | { readonly kind: 'zeros'; readonly length: number }
  | { readonly kind: 'header'; readonly item: number }
  /** A header with its contents, which are laid out again. */
  | { readonly kind: 'sparse'; readonly item: number };

/**
 * Splits the output into pieces. Unchanged entries that are adjacent in their layer form one piece.
 *
 * @param onItem called with each item before its piece
 */
export function* piecesOf(plan: PlanColumns, onItem?: (item: number) => void): Generator<Piece, void, void> {
  let layer = -1;
  let from = 0;
  let to = 0;
  for (let item = 0; item < plan.length; item++) {
    onItem?.(item);
    const entry = plan.entry[item] as number;
    const source = plan.layer[item] as number;
    const { entries } = plan.layers[source] as IndexedLayer;
    if (plan.changes.has(item)) {
      if (to > from) yield { kind: 'bytes', layer, from, to };
      const hasContents = entry >= 0 && !plan.changes.isLink(item);
      const isSparse = hasContents && (entries.flags(entry) & QUIRK.sparseMap) !== 0;
      yield { kind: isSparse ? 'sparse' : 'header', item };
      layer = source;
      to = hasContents ? entries.end(entry) : 0;
      from = isSparse ? to : hasContents ? entries.dataOffset(entry) : 0;
      continue;
    }
    const start = entries.start(entry);
    if (source !== layer || start !== to) {
      if (to > from) yield { kind: 'bytes', layer, from, to };
      layer = source;
      from = start;
    }
    to = entries.end(entry);
  }
  if (to > from) yield { kind: 'bytes', layer, from, to };
}

/**
 * @param start offset of the entry in its layer
 * @param known the first bytes of the entry, which have been read already
 */
export function* sparseContents(
  { parts, dataOffset }: SparseLayout,
  layer: number,
  start: number,
  known: Uint8Array,
): Generator<Piece, void, void> {
  let from = dataOffset;
  for (const length of parts) {
    if (length < 0) {
      yield { kind: 'zeros', length: -length };
      continue;
    }
    const to = from + length;
    const split = Math.min(to, Math.max(from, known.length));
    if (split > from) yield { kind: 'made', bytes: known.subarray(from, split) };
    if (to > split) yield { kind: 'bytes', layer, from: start + split, to: start + to };
    from = to;
  }
}
