import type { OpenedImage } from '../../image/image.js';
import type { Layer, StoredLayer } from '../../image/layer.js';

/** Fetches some of the layers of an image in another way than the rest. */
export function fetchApart(
  apart: ReadonlySet<Layer>,
  fetch: (wanted: readonly Layer[]) => Promise<readonly StoredLayer[]>,
  fetchRest: OpenedImage['fetch'],
): OpenedImage['fetch'] {
  return async (wanted, watch) => {
    const rest = wanted.filter((layer) => !apart.has(layer));
    const [others, own] = await Promise.all([
      fetchRest(rest, watch),
      fetch(wanted.filter((layer) => apart.has(layer))),
    ]);
    const [nextOther, nextOwn] = [others[Symbol.iterator](), own[Symbol.iterator]()];
    return wanted.map((layer) => (apart.has(layer) ? nextOwn : nextOther).next().value as StoredLayer);
  };
}
