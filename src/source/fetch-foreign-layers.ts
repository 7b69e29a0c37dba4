import { openBlobCache } from '../cache/open-blob-cache.js';
import type { Warn } from '../errors.js';
import type { OpenContext } from '../image/image.js';
import type { StoredLayer } from '../image/layer.js';
import { parseRegistryName } from '../reference/image-name.js';
import type { BlobOrigin } from '../registry/download-blob.js';
import { downloadUrls, type ForeignLayer, foreignProblem, originAt } from '../registry/foreign-layers.js';
import { openRegistry, type RepositoryOptions } from '../registry/open-repository.js';
import { Repository } from '../registry/repository.js';
import { type FetchedBlob, fetchLayers } from './docker-registry.js';

export interface ForeignRequest {
  readonly options: RepositoryOptions & { readonly cache?: string | false | undefined };
  /** The layout or archive that lacks the layers, printable. */
  readonly location: string;
  readonly warn: Warn;
  /** Blobs fetched so far, by digest; newly fetched blobs are added. */
  readonly fetched: Map<string, FetchedBlob>;
}

/** Default number of parallel downloads. */
const JOBS = 3;

/** A placeholder: only the layers' own URLs are requested. */
const NAME = parseRegistryName('localhost/foreign');

/**
 * Downloads layers that are missing from their layout or archive, from the URLs in their manifest. As with layers of a
 * registry, they are compared with their digests and kept in the cache.
 *
 * @throws DIMGX_SOURCE_FOREIGN_LAYER for a layer without a URL; what `fetchLayers` throws
 */
export async function fetchForeignLayers(
  layers: readonly ForeignLayer[],
  { options, location, warn, fetched }: ForeignRequest,
  context: OpenContext,
): Promise<readonly StoredLayer[]> {
  const { resources, signal, tmpDir } = context;
  const cache = await openBlobCache({ cache: options.cache, env: process.env, tmpDir, signal, warn });
  resources.adopt(() => cache.close());
  const origins = new Map<string, BlobOrigin>();
  const server = await openRegistry('localhost', options, { ...context, warn });
  for (const { layer, urls } of layers) {
    const places = downloadUrls(urls);
    if (places.length === 0) throw foreignProblem(layer.digest as string, urls, location);
    origins.set(layer.digest as string, originAt(places, server));
  }
  const repository = new Repository(NAME, [{ server, path: '', serves: 'all' }], warn, options.offline);
  const request = { repository, cache, item: location, jobs: options.jobs ?? JOBS, foreign: origins };
  return fetchLayers(
    layers.map(({ layer }) => layer),
    { ...request, watch: undefined, fetched },
    context,
  );
}
