import type { FlattenOptions } from '../flatten.js';
import type { Image, Layer } from '../image/image.js';
import { shortId } from '../image/short-id.js';
import { formatJson } from './format-json.js';
import { imageJson } from './image-json.js';
import { layerId } from './layer-id.js';
import { formatListing } from './listing.js';
import { listingRows } from './listing-rows.js';

export interface ListOptions extends FlattenOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  /** Of the terminal that the table goes to, in characters. */
  readonly columns: number | undefined;
  readonly onSource?: (source: Image['source']) => void;
}

/** The listing of an image, as text: a table, bare IDs, or with `json` a document whatever `quiet` says. */
export async function listImage(reference: string, options: ListOptions): Promise<string> {
  const { openImage } = await import('../source/resolve.js');
  const { selectLayers } = await import('../inspect/select-layers.js');
  const image = await openImage(reference, options);
  try {
    options.onSource?.(image.source);
    const selected = selectLayers(image, options, (warning) => options.onWarning?.(warning));
    if (options.quiet && !options.json) return selected.map((layer) => `${shortId(layerId(layer))}\n`).join('');

    const contentSizes = await readContentSizes(image, selected, options);
    const rows = listingRows(image, selected, options);
    if (options.json) return formatJson(imageJson(image, selected, rows, contentSizes));
    return formatListing(rows, {
      sizeOf: ({ layer }) =>
        layer
          ? (contentSizes.get(layer) ?? layer.claimedContentSize ?? layer.blob?.length ?? layer.claimedSize ?? 0)
          : 0,
      now: new Date(),
      columns: options.columns,
    });
  } finally {
    await image.close();
  }
}

/** Of uncompressed layers only: their headers are read, and nothing is decoded for a listing. */
async function readContentSizes(
  image: Image,
  selected: readonly Layer[],
  options: ListOptions,
): Promise<ReadonlyMap<Layer, number>> {
  const select = selected.filter(({ compression }) => compression === 'none');
  if (select.length === 0) return new Map();
  const { inspectLayers } = await import('../inspect/inspect-layers.js');
  const indexes = await inspectLayers(image, { ...options, verify: false, select });
  return new Map(indexes.map(({ layer, contentSize }) => [layer, contentSize]));
}
