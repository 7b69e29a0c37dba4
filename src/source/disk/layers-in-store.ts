import { quoted } from '../../base/text/printable.js';
import { DimgxError } from '../../errors.js';
import type { OpenContext } from '../../image/image.js';
import type { Layer } from '../../image/layer.js';
import type { Digest } from '../../reference/digest.js';
import { containersStorage, isContainersStorage } from './containers-storage/containers-storage.js';
import { dockerRoot, isDockerRoot } from './docker/docker-root.js';
import type { StoreLayer } from './store.js';
import { StoreFiles } from './store-files.js';
import { StoreLayers } from './store-layers.js';
import { readConfig } from './stored-image.js';

/** An image that is looked for in an engine's storage by its ID. */
interface KnownImage {
  /** 64 hex digits: the digest of its config. */
  readonly id: string;
  /** Oldest first. */
  readonly diffIds: readonly Digest[];
  /** Likewise. */
  readonly layers: readonly Layer[];
}

/**
 * Finds the layers of a running engine's image in the folder where the engine keeps images. Nobody holds it still: what
 * is read must be verified.
 *
 * @returns the config of the image, and what fetches some of the layers, as `OpenedImage.fetch` does
 * @throws DIMGX_SOURCE_*, DIMGX_STORE_DAMAGED, DIMGX_IMAGE_*, DIMGX_LAYER_BAD_PARENT; the operating system's errors
 */
export async function layersInStore(
  root: string,
  { id, diffIds, layers }: KnownImage,
  context: OpenContext,
): Promise<{ readonly config: Uint8Array | undefined; readonly fetch: StoreLayers['fetch'] }> {
  const files = await StoreFiles.open(root, context);
  const [store] = [
    ...(isDockerRoot(files) ? [dockerRoot(files)] : []),
    ...(isContainersStorage(files) ? [containersStorage(files)] : []),
  ];
  const image = store?.images().find(({ ids }) => ids[0] === id);
  if (!image) throw new DimgxError('DIMGX_SOURCE_NO_SUCH_IMAGE', `the image is not in ${quoted(root)}`);
  const { bytes: config } = readConfig(files, image, true);
  const places = new Map<Layer, StoreLayer>();
  for (const [i, place] of image.layers(diffIds).entries()) {
    if (place instanceof DimgxError) throw place;
    places.set(layers[i] as Layer, place);
  }
  const stored = new StoreLayers(files, places, { warn: () => {} }, context);
  const fetch: StoreLayers['fetch'] = async (wanted, watch) => {
    const fetched = await stored.fetch(wanted, watch);
    const lossy = fetched.find(({ diffId }) => diffId === undefined);
    if (!lossy) return fetched;
    throw new DimgxError('DIMGX_STORE_DAMAGED', `layer ${lossy.name} is not there as it was: it cannot be verified`);
  };
  return { config, fetch };
}
