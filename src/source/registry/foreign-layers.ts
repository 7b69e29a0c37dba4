import { DimgxError } from '../../errors.js';
import { type Descriptor, isForeign } from '../../image/manifest.js';
import { quoted } from '../../image/printable.js';
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
    const [url] = (urls ?? []).filter((each) => URL.canParse(each) && /^https?:$/.test(new URL(each).protocol));
    const place = url === undefined ? 'nobody says where' : quoted(url);
    if (!isAllowed) {
      const message = `the layer ${digest} is not in the registry, but at ${place}: --allow-foreign-layers fetches it`;
      throw new DimgxError('DIMGX_SOURCE_FOREIGN_LAYER', message);
    }
    if (url !== undefined) found.set(digest, originAt(new URL(url), server));
  }
  return found;
}

function originAt(url: URL, server: RegistryServer): BlobOrigin {
  return {
    http: server.http,
    attempts: server.attempts,
    open: (first) => server.openElsewhere(url, first > 0 ? { range: `bytes=${first}-` } : {}),
    isPassing: (failure) => server.isPassing(failure),
    wait: (attempt, failure) => server.wait(attempt, failure),
  };
}
