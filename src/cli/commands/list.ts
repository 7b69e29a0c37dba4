import { type FlattenOptions, type Layer, openImage, selectLayers } from '../../index.js';
import { reportSource } from '../messages/messages.js';
import { containerText } from '../output/container-text.js';
import { imageJson } from '../output/image-json.js';
import { formatIds, formatListing, listingRows } from '../output/listing.js';
import type { FoundLayers } from '../output/read-layers.js';
import type { Result } from './command.js';

export interface ListSettings extends FlattenOptions {
  /** The result must have JSON. */
  readonly json: boolean;
  /** The text is bare IDs. */
  readonly quiet: boolean;
  /** Width of the terminal that the table goes to, in characters. */
  readonly columns: number | undefined;
}

const NOTHING_READ: FoundLayers = { contentSizes: new Map(), problems: new Map() };

/** The code that reads layers is loaded only if there are layers to read. */
const loadReader = () => import('../output/read-layers.js');

/** Lists the layers of an image: a table, or with `quiet` bare IDs, for which no layer is read. */
export async function listLayers(reference: string, options: ListSettings): Promise<Result> {
  const image = await openImage(reference, options);
  try {
    reportSource(image.source, options);
    const selected = selectLayers(image, options, (warning) => options.onWarning?.(warning));
    if (options.quiet && !options.json) return { text: () => formatIds(selected) };

    const plain = selected.filter(({ compression }) => compression === 'none');
    const found = plain.length > 0 ? await (await loadReader()).readLayers(image, plain, options) : NOTHING_READ;
    const rows = listingRows(image, selected, options);
    const about = image.container ? `${containerText(image.container)}\n` : '';
    const text = () =>
      about +
      formatListing(rows, {
        sizeOf: ({ layer }) => layer && sizeOf(layer, found),
        problemOf: ({ layer }) => layer && (found.problems.get(layer) ?? layer.problem),
        now: new Date(),
        columns: options.columns,
      });
    return { text, json: () => imageJson(image, selected, rows, found) };
  } finally {
    await image.close();
  }
}

/** The best known size of a layer, in bytes; `undefined` if no size is known. */
function sizeOf(layer: Layer, { contentSizes }: FoundLayers): number | undefined {
  return contentSizes.get(layer) ?? layer.claimedContentSize ?? layer.storedSize;
}
