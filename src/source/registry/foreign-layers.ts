import { type Descriptor, isForeign } from '../../image/manifest.js';
import { downloadUrl, foreignProblem } from '../foreign-problem.js';
import type { BlobOrigin } from './download-blob.js';
import type { RegistryServer } from './registry-server.js';

/**
 * Where the layers of a manifest are that their maker does not let registries hand on.
 *
 * @param server tells how often what fails is tried; it is not asked itself
 * @param isAllowed whether they may be had
 * @throws DIMGX_SOURCE_FOREIGN_LAYER when they may not, or nobody says where they are
 */
export function foreignLayers(
  layers: readonly Descriptor[],
  server: RegistryServer,
  isAllowed: boolean,
): ReadonlyMap<string, BlobOrigin> {
  const found = new Map<string, BlobOrigin>();
  for (const { digest, urls } of layers.filter(isForeign)) {
    if (!isAllowed) throw foreignProblem(digest, urls, 'the registry');
    const url = downloadUrl(urls);
    if (url !== undefined) found.set(digest, originAt(url, server));
  }
  return found;
}

/** @param server tells how often what fails is tried; it is not asked itself */
export function originAt(url: URL, server: RegistryServer): BlobOrigin {
  return {
    http: server.http,
    attempts: server.attempts,
    open: (first) => server.openElsewhere(url, first > 0 ? { range: `bytes=${first}-` } : {}),
    isPassing: (failure) => server.isPassing(failure),
    wait: (attempt, failure) => server.wait(attempt, failure),
  };
}
