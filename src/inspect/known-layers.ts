import type { OpenedImage } from '../image/image.js';
import type { Layer } from '../image/layer.js';
import { keptIndex } from '../layer/kept-index.js';
import type { IndexedLayer, LayerBytes } from '../layer/layer-index.js';
import type { Budget } from './budget.js';
import { type Inspected, inspectedLayer } from './inspection.js';

/**
 * The indexes that the image's source has saved, for a caller that needs no contents: no layer is fetched or opened.
 *
 * @returns `undefined` unless all layers have one
 * @throws DIMGX_LIMIT_*
 */
export async function knownLayers(
  { loadIndex }: OpenedImage,
  layers: readonly Layer[],
  budget: Budget,
): Promise<readonly Inspected[] | undefined> {
  if (!loadIndex) return undefined;
  const known = await Promise.all(layers.map((layer) => keptIndex(layer, () => loadIndex(layer))));
  const found = known.filter((contents) => contents !== undefined);
  if (found.length < layers.length) return undefined;
  return layers.map((layer, i) => {
    const contents = found[i] as (typeof found)[number];
    budget.spendBytes(contents.spentBytes);
    budget.spendEntries(contents.columns.length);
    return inspectedLayer(layer, NOT_FETCHED, contents, Promise.resolve({}));
  });
}

/** Whether the contents of a layer can be read. */
export function isFetched({ bytes }: Pick<IndexedLayer, 'bytes'>): boolean {
  return bytes !== NOT_FETCHED;
}

const NOT_FETCHED: LayerBytes = {
  get stored(): never {
    throw new Error('the layer has not been fetched');
  },
  compression: 'none',
  length: 0,
  decoderMemory: 0,
  isChecked: false,
};
