import type { HistoryStep } from './config.js';
import type { HistoryEntry, HistoryRow, Layer } from './image.js';

/**
 * For each layer, oldest to newest, the step that made it. A history that counts other layers than the image has says
 * nothing of any of them: each gets an empty entry.
 */
export function historyOfLayers(count: number, steps: readonly HistoryStep[]): readonly HistoryEntry[] {
  const making = steps.filter((step) => step.madeLayer);
  if (making.length !== count) return Array.from({ length: count }, () => ({}));
  return making.map((step) => step.history);
}

/**
 * The rows of the listing, oldest to newest: every step with the layer it made, or one row for each layer where the
 * history is absent or counts other layers than the image has.
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
