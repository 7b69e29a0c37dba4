import type { HistoryEntry, Image, Layer } from '../image/image.js';
import type { SelectOptions } from '../options.js';

/** A line of a listing. */
export interface ListingRow {
  readonly history: HistoryEntry;
  /** `undefined` for a step that carries only metadata. */
  readonly layer: Layer | undefined;
  /** The next older layer of the image, whether listed or not. */
  readonly parent: Layer | undefined;
}

/**
 * The rows for the layers selected, in their order. Without specs, the steps that carry only metadata stand among them
 * where they belong.
 */
export function listingRows(
  image: Image,
  selected: readonly Layer[],
  { layers, reverse }: SelectOptions,
): readonly ListingRow[] {
  let parent: Layer | undefined;
  const oldestFirst = image.history.map(({ history, layer }) => {
    const row: ListingRow = { history, layer, parent };
    parent = layer ?? parent;
    return row;
  });
  if (layers) {
    const rowOf = new Map(oldestFirst.map((row) => [row.layer, row]));
    return selected.flatMap((layer) => rowOf.get(layer) ?? []);
  }
  return reverse ? oldestFirst : oldestFirst.reverse();
}
