import { DimgxError, type FlattenOptions, type Image, inspectLayers, type Layer } from '../../index.js';

/** What a listing finds by reading the layers. */
export interface FoundLayers {
  /** Total size of the entries, in bytes, for each layer whose headers were read. */
  readonly contentSizes: ReadonlyMap<Layer, number>;
  /** Why a layer cannot be read, if that became known by reading it. */
  readonly problems: ReadonlyMap<Layer, DimgxError>;
}

/** Codes of errors that concern one layer, not the whole call. */
const OF_LAYER = /^DIMGX_(?:TAR|COMPRESSION|IMAGE)_|^DIMGX_SOURCE_(?:CHANGED|UNREADABLE)$|^DIMGX_ENTRY_UNSAFE_NAME$/;

/**
 * Reads the headers of layers. A layer that cannot be read affects only its own row.
 *
 * @param plain uncompressed layers: a listing decodes nothing
 * @throws what concerns the call as a whole: a limit, an abort
 */
export async function readLayers(image: Image, plain: readonly Layer[], options: FlattenOptions): Promise<FoundLayers> {
  const contentSizes = new Map<Layer, number>();
  const problems = new Map<Layer, DimgxError>();
  const inspect = async (layers: readonly Layer[]) => {
    const indexes = await inspectLayers(image, { ...options, verify: false, select: layers });
    for (const { layer, contentSize } of indexes) contentSizes.set(layer, contentSize);
  };
  try {
    await inspect(plain);
  } catch (failure) {
    problemIn(failure);
    for (const layer of plain) {
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
