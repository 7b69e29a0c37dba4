import { shortId } from '../../base/text/printable.js';
import type { FlattenOptions } from '../../flatten.js';
import type { Image } from '../../image/image.js';
import type { Layer } from '../../image/layer.js';
import { formatJson } from './format-json.js';
import { imageJson } from './image-json.js';
import { layerId } from './layer-id.js';
import { formatListing } from './listing.js';
import { listingRows } from './listing-rows.js';
import { type FoundLayers, readLayers } from './read-layers.js';

export interface ListOptions extends FlattenOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  /** Width of the terminal that the table goes to, in characters. */
  readonly columns: number | undefined;
  readonly onSource?: (source: Image['source']) => void;
}

/** The listing of an image as text: a table; with `quiet`, bare IDs; with `json`, a document, even with `quiet`. */
export async function listImage(reference: string, options: ListOptions): Promise<string> {
  const { openImage } = await import('../../source/resolve.js');
  const { selectLayers } = await import('../../image/select-layers.js');
  const image = await openImage(reference, options);
  try {
    options.onSource?.(image.source);
    const selected = selectLayers(image, options, (warning) => options.onWarning?.(warning));
    if (options.quiet && !options.json) return selected.map((layer) => `${shortId(layerId(layer))}\n`).join('');

    const found = await readLayers(image, selected, options);
    const rows = listingRows(image, selected, options);
    if (options.json) return formatJson(imageJson(image, selected, rows, found));
    return formatListing(rows, {
      sizeOf: ({ layer }) => layer && sizeOf(layer, found),
      problemOf: ({ layer }) => layer && found.problems.get(layer),
      now: new Date(),
      columns: options.columns,
    });
  } finally {
    await image.close();
  }
}

/** The best known size of a layer, in bytes; `undefined` if no size is known. */
function sizeOf(layer: Layer, { contentSizes }: FoundLayers): number | undefined {
  return contentSizes.get(layer) ?? layer.claimedContentSize ?? layer.storedSize;
}
