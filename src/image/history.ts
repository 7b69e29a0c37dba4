import { shortId } from '../base/text/printable.js';
import type { HistoryStep } from './config.js';
import type { HistoryEntry, HistoryRow, Layer } from './layer.js';

/**
 * The step that made each layer, oldest to newest. If the history has a different number of layers than the image, its
 * steps cannot be assigned: every layer gets an empty entry.
 */
export function historyOfLayers(count: number, steps: readonly HistoryStep[]): readonly HistoryEntry[] {
  const making = steps.filter((step) => step.madeLayer);
  if (making.length !== count) return Array.from({ length: count }, () => ({}));
  return making.map((step) => step.history);
}

/**
 * Rows of the listing, oldest to newest: every step with the layer it made. If the history is absent or has a different
 * number of layers than the image, there is one row per layer.
 */
export function historyRows(layers: readonly Layer[], steps: readonly HistoryStep[]): readonly HistoryRow[] {
  if (steps.filter((step) => step.madeLayer).length !== layers.length) {
    return layers.map((layer) => ({ history: layer.history ?? {}, layer }));
  }
  let next = 0;
  return steps.map(({ history, madeLayer, imageId, tags }) => {
    const layer = madeLayer ? layers[next++] : undefined;
    return { history, ...(layer && { layer }), ...(imageId && { imageId }), ...(tags && { tags }) };
  });
}

/**
 * Names of an image's layers for messages: the short IDs shown in the listing. Layers with the same short ID get `@N`
 * appended, counted from 1 as in layer specs.
 *
 * @param ids IDs of the layers, oldest to newest
 */
export function layerNames(ids: readonly string[]): readonly string[] {
  const short = ids.map(shortId);
  const counts = new Map<string, number>();
  for (const id of short) counts.set(id, (counts.get(id) ?? 0) + 1);
  return short.map((id, index) => (counts.get(id) === 1 ? id : `${id}@${index + 1}`));
}
