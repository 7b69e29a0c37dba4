import type { BlobCache } from '../cache/blob-cache.js';
import { compressionOf } from '../compression/detect.js';
import { digestOfRegion } from '../image/checks.js';
import type { Layer, LayerKeeper, StoredLayer, WatchLayer } from '../image/image.js';
import type { OpenContext } from '../image/open-context.js';
import { algorithmOf, type Digest } from '../reference/digest.js';
import type { BlobOrigin } from '../registry/download-blob.js';
import { LayerDownload, type RegistryLayer } from '../registry/layer-download.js';
import { layerSize } from '../registry/layer-size.js';
import type { Repository } from '../registry/repository.js';

export interface LayersRequest {
  readonly repository: Repository;
  readonly cache: BlobCache;
  /** Name of the image for progress reports, printable. */
  readonly item: string;
  /** Number of parallel downloads. */
  readonly jobs: number;
  /** Where to find the layers that the registry does not have, by digest. */
  readonly foreign: ReadonlyMap<string, BlobOrigin>;
  readonly watch: WatchLayer | undefined;
  /** Blobs fetched so far, by digest; newly fetched blobs are added. */
  readonly fetched: Map<string, FetchedBlob>;
}

export type FetchedBlob = Pick<StoredLayer, 'blob' | 'compression' | 'keeper'>;

/**
 * Downloads layers, several at once and each digest once. They start in the order in which they are wanted, because the
 * first are read first.
 *
 * @throws as `LayerDownload.fetch`
 */
export async function fetchLayers(
  layers: readonly Layer[],
  request: LayersRequest,
  context: OpenContext,
): Promise<readonly StoredLayer[]> {
  const { repository, cache, item, watch, fetched } = request;
  const wanted = new Map<string, RegistryLayer>();
  for (const layer of layers as readonly (Layer & { readonly digest: Digest })[]) {
    const { digest, name } = layer;
    if (fetched.has(digest) || wanted.has(digest)) continue;
    const elsewhere = request.foreign.get(digest);
    const claimedSize =
      layer.claimedSize ?? (await layerSize(digest, `layer ${name}`, { repository, cache, elsewhere }));
    wanted.set(digest, { ...layer, claimedSize });
  }
  const total = [...wanted.values()].reduce((sum, { claimedSize }) => sum + claimedSize, 0);
  let done = 0;
  const onBytes = (bytes: number) => {
    done += bytes;
    context.onProgress?.({ stage: 'pull', item, done, total });
  };
  const fetch = async (layer: RegistryLayer, isOver: () => boolean): Promise<FetchedBlob> => {
    const { digest } = layer;
    const elsewhere = request.foreign.get(digest);
    const download = new LayerDownload(layer, { repository, cache, elsewhere, watch, onBytes, isOver });
    const { region: blob } = await download.fetch();
    context.resources.adoptFile(blob.file);
    const compression = await compressionOf(blob);
    // an uncompressed layer is written to the output while it is being hashed, so a cached copy is checked beforehand
    const isSure = !download.isOld || compression !== 'none';
    if (isSure || (await digestOfRegion(blob, algorithmOf(digest))) === digest) {
      return { blob, compression, keeper: keeperOf(digest, cache, fetched) };
    }
    await cache.discard(digest);
    return fetch(layer, isOver);
  };
  await inLanes(request.jobs, [...wanted.values()], async (layer, isOver) => {
    fetched.set(layer.digest, await fetch(layer, isOver));
  });
  return layers.map((layer) => ({ ...layer, ...(fetched.get(layer.digest as string) as FetchedBlob) }));
}

function keeperOf(digest: Digest, cache: BlobCache, fetched: Map<string, FetchedBlob>): LayerKeeper {
  return {
    load: () => cache.loadDerived(digest),
    save: (parts) => cache.saveDerived(digest, parts),
    discard: async () => {
      fetched.delete(digest);
      await cache.discard(digest);
    },
  };
}

/**
 * Works on several items at once. After a failure no further item is started, and work already started may stop early.
 */
async function inLanes<T>(
  lanes: number,
  items: readonly T[],
  work: (item: T, isOver: () => boolean) => Promise<void>,
): Promise<void> {
  const rest = [...items];
  let failure: { readonly of: unknown } | undefined;
  const isOver = () => failure !== undefined;
  const lane = async () => {
    for (let item = rest.shift(); item !== undefined && !isOver(); item = rest.shift()) {
      await work(item, isOver).catch((of: unknown) => {
        failure ??= { of };
      });
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  if (failure) throw failure.of;
}
