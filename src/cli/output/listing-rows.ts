import type { Image } from '../../image/image.js';
import type { HistoryEntry, Layer } from '../../image/layer.js';
import type { SelectOptions } from '../../options.js';
import { layerId } from './layer-id.js';

/** A line of a listing. */
export interface ListingRow {
  readonly history: HistoryEntry;
  /** `undefined` for a step that carries only metadata. */
  readonly layer: Layer | undefined;
  /** ID of the layer, or of the image after a step that made no layer: hex digits, empty if the source knows none. */
  readonly id: string;
  /** ID of the next older row of the image that has an ID, whether that row is listed or not. */
  readonly parentId: string;
  readonly tags: readonly string[];
}

/**
 * The rows for the selected layers, in their order. Without specs, the steps that carry only metadata are included in
 * their places.
 */
export function listingRows(
  image: Image,
  selected: readonly Layer[],
  { layers, reverse }: SelectOptions,
): readonly ListingRow[] {
  let parentId = '';
  const oldestFirst = image.history.map(({ history, layer, imageId, tags }) => {
    const id = imageId ?? (layer ? layerId(layer) : '');
    const row: ListingRow = { history, layer, id, parentId, tags: tags ?? layer?.tags ?? [] };
    parentId = id || parentId;
    return row;
  });
  if (layers) {
    const rowOf = new Map(oldestFirst.map((row) => [row.layer, row]));
    return selected.flatMap((layer) => rowOf.get(layer) ?? []);
  }
  return reverse ? oldestFirst : oldestFirst.reverse();
}
