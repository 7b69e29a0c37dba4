import { DimgxError } from '../../errors.js';
import type { FlattenOptions } from '../../flatten.js';
import type { Image } from '../../image/image.js';
import type { Layer } from '../../image/layer.js';

/** What a listing finds by reading the layers. */
export interface FoundLayers {
  /** Total size of the entries, in bytes, for each layer whose headers were read. */
  readonly contentSizes: ReadonlyMap<Layer, number>;
  /** Why a layer cannot be read. */
  readonly problems: ReadonlyMap<Layer, DimgxError>;
}

/** Codes of errors that concern one layer, not the whole call. */
const OF_LAYER =
  /^DIMGX_(?:TAR|COMPRESSION|IMAGE)_|^DIMGX_SOURCE_(?:CHANGED|UNREADABLE)$|^DIMGX_ENTRY_(?:UNSAFE|LONG)_NAME$/;

/**
 * Reads the headers of uncompressed layers; a listing decodes nothing. A layer that cannot be read affects only its own
 * row.
 *
 * @throws what concerns the call as a whole: a limit, an abort
 */
export async function readLayers(
  image: Image,
  selected: readonly Layer[],
  options: FlattenOptions,
): Promise<FoundLayers> {
  const contentSizes = new Map<Layer, number>();
  const problems = new Map(selected.flatMap((layer) => (layer.problem ? [[layer, layer.problem]] : [])));
  const select = selected.filter(({ compression }) => compression === 'none');
  if (select.length === 0) return { contentSizes, problems };
  const { inspectLayers } = await import('../../inspect/inspect-layers.js');
  const inspect = async (layers: readonly Layer[]) => {
    const indexes = await inspectLayers(image, { ...options, verify: false, select: layers });
    for (const { layer, contentSize } of indexes) contentSizes.set(layer, contentSize);
  };
  try {
    await inspect(select);
  } catch (failure) {
    problemIn(failure);
    for (const layer of select) {
      await inspect([layer]).catch((reason: unknown) => problems.set(layer, problemIn(reason)));
    }
  }
  return { contentSizes, problems };
}

/** @throws an error that does not concern a single layer */
function problemIn(failure: unknown): DimgxError {
  if (failure instanceof DimgxError && OF_LAYER.test(failure.code)) return failure;
  throw failure;
}
