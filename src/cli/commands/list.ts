import { shortId } from '../../base/text/printable.js';
import type { FlattenOptions } from '../../flatten.js';
import type { Layer } from '../../image/layer.js';
import { imageJson } from '../output/image-json.js';
import { formatListing, layerId, listingRows } from '../output/listing.js';
import { type FoundLayers, readLayers } from '../output/read-layers.js';
import type { Result } from './command.js';
import { reportSource } from './flatten.js';

export interface ListOptions extends FlattenOptions {
  /** The result must have JSON. */
  readonly json: boolean;
  /** The text is bare IDs. */
  readonly quiet: boolean;
  /** Width of the terminal that the table goes to, in characters. */
  readonly columns: number | undefined;
}

/** Lists the layers of an image: a table, or with `quiet` bare IDs, for which no layer is read. */
export async function listLayers(reference: string, options: ListOptions): Promise<Result> {
  const { openImage } = await import('../../source/resolve.js');
  const { selectLayers } = await import('../../image/select-layers.js');
  const image = await openImage(reference, options);
  try {
    reportSource(image.source, options);
    const selected = selectLayers(image, options, (warning) => options.onWarning?.(warning));
    if (options.quiet && !options.json) return { text: () => idLines(selected) };

    const found = await readLayers(image, selected, options);
    const rows = listingRows(image, selected, options);
    const text = () =>
      formatListing(rows, {
        sizeOf: ({ layer }) => layer && sizeOf(layer, found),
        problemOf: ({ layer }) => layer && found.problems.get(layer),
        now: new Date(),
        columns: options.columns,
      });
    return { text, json: () => imageJson(image, selected, rows, found) };
  } finally {
    await image.close();
  }
}

function idLines(layers: readonly Layer[]): string {
  return layers.map((layer) => `${shortId(layerId(layer))}\n`).join('');
}

/** The best known size of a layer, in bytes; `undefined` if no size is known. */
function sizeOf(layer: Layer, { contentSizes }: FoundLayers): number | undefined {
  return contentSizes.get(layer) ?? layer.claimedContentSize ?? layer.storedSize;
}
