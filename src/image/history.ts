import type { HistoryStep } from './config.js';
import type { HistoryEntry, HistoryRow, Layer } from './image.js';

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
