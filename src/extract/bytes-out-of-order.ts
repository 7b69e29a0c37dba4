import type { IndexedLayer } from '../layer/layer-index.js';
import type { PlanColumns } from '../merge/plan.js';

/** How many bytes of the compressed layers the output needs after bytes that lie behind them, in bytes. */
export function bytesOutOfOrder({ layers, length, layer, entry, changes }: PlanColumns): number {
  const reached = new Float64Array(layers.length);
  let sum = 0;
  for (let item = 0; item < length; item++) {
    const at = layer[item] as number;
    const { entries, bytes } = layers[at] as IndexedLayer;
    const number = entry[item] as number;
    if (number < 0 || bytes.compression === 'none') continue;
    const start = entries.start(number);
    const end = changes.isLink(item) ? entries.dataOffset(number) : entries.end(number);
    if (start < (reached[at] as number)) sum += end - start;
    else reached[at] = end;
  }
  return sum;
}
