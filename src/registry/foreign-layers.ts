import type { HttpReply } from '../base/http/http-client.js';
import { HttpFailure } from '../base/http/http-failure.js';
import { quoted } from '../base/text/printable.js';
import { DimgxError } from '../errors.js';
import type { Layer } from '../image/layer.js';
import { type Descriptor, isForeign } from '../image/manifest.js';
import type { BlobOrigin } from './download-blob.js';
import { Refusal } from './registry-refusal.js';
import type { RegistryServer } from './registry-server.js';

/**
 * The origins of a manifest's foreign layers, which registries are not allowed to distribute.
 *
 * @param server provides the retry policy; it gets no requests
 * @param isAllowed whether foreign layers may be fetched
 * @throws DIMGX_SOURCE_FOREIGN_LAYER when they may not, or when the manifest does not say where one is
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
 * Tries the URLs in order. A URL that fails permanently is not tried again, unless it is the last. The digest proves
 * that the bytes are the layer, wherever they came from.
 *
 * @param server provides the retry policy; it gets no requests
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

/** A layer that its maker offers elsewhere. */
export interface ForeignLayer {
  readonly layer: Layer;
  readonly urls: readonly string[];
}

/**
 * Explains why a layer that its maker does not let others distribute cannot be read.
 *
 * @param layer its digest or name, printable
 * @param urls where its maker offers it
 * @param place where it was not found, printable
 */
export function foreignProblem(layer: string, urls: readonly string[], place: string): DimgxError {
  const [url] = downloadUrls(urls);
  const offered =
    url === undefined
      ? 'its manifest gives no URL: save or copy the image together with it'
      : `its manifest gives the URL ${quoted(url.href)}`;
  return new DimgxError(
    'DIMGX_SOURCE_FOREIGN_LAYER',
    `the layer ${layer} is a foreign layer, which only its vendor may distribute, and is not in ${place}; ${offered}`,
    url === undefined ? {} : { options: ['allowForeignLayers'] },
  );
}

/** The URLs that a layer can be downloaded from, in order. */
export function downloadUrls(urls: readonly string[]): readonly URL[] {
  return urls
    .filter((each) => URL.canParse(each))
    .map((each) => new URL(each))
    .filter(({ protocol }) => /^https?:$/.test(protocol));
}
