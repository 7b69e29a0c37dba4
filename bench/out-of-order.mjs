import { inCanonicalOrder } from './entry.mjs';
import { flattenModel } from './flatten-model.mjs';

/** @typedef {import('./entry.mjs').Entry} Entry */

const BLOCK = 512;

/**
 * How much of the layers cannot go straight to an output in canonical order, each layer read once from its start to its end:
 * a surviving entry has to wait somewhere when one that is stored after it in its layer goes out before it.
 *
 * @param {Entry[][]} layers
 * @returns {number} bytes of their headers and contents
 */
export function outOfOrderBytes(layers) {
  const output = inCanonicalOrder([...flattenModel(layers).values()]);
  const places = new Map(output.map((entry, place) => [entry, place]));
  let bytes = 0;
  for (const layer of layers) {
    let first = Number.POSITIVE_INFINITY; // of all that is stored after it
    for (const entry of layer.toReversed()) {
      const place = places.get(entry);
      if (place === undefined) continue;
      if (place > first) bytes += BLOCK + Math.ceil(entry.size / BLOCK) * BLOCK;
      first = Math.min(first, place);
    }
  }
  return bytes;
}
