import type { HttpReply } from '../base/http/http-client.js';
import { HttpFailure } from '../base/http/http-failure.js';
import { type Descriptor, isForeign } from '../image/manifest.js';
import type { BlobOrigin } from './download-blob.js';
import { downloadUrls, foreignProblem } from './foreign-problem.js';
import { Refusal } from './registry-refusal.js';
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
    const places = downloadUrls(urls);
    if (places.length > 0) found.set(digest, originAt(places, server));
  }
  return found;
}

/**
 * Asks the URLs in their order: one that fails for good is not asked again, unless it is the last. The digest shows whether
 * what came is the layer, from wherever it came.
 *
 * @param server tells how often what fails is tried; it is not asked itself
 */
export function originAt(urls: readonly URL[], server: RegistryServer): BlobOrigin {
  const left = [...urls];
  const open = async (first: number): Promise<HttpReply> => {
    try {
      return await server.openElsewhere(left[0] as URL, first > 0 ? { range: `bytes=${first}-` } : {});
    } catch (failure) {
      const mayGoOn = failure instanceof Refusal || failure instanceof HttpFailure;
      if (left.length === 1 || !mayGoOn || server.isPassing(failure)) throw failure;
      left.shift();
      return open(first);
    }
  };
  return {
    http: server.http,
    attempts: server.attempts,
    open,
    isPassing: (failure) => server.isPassing(failure),
    wait: (attempt, failure) => server.wait(attempt, failure),
  };
}
