import { printable, quoted } from '../base/text/printable.js';
import { openBlobCache } from '../cache/open-blob-cache.js';
import { DimgxError, inputWarner, type Warning } from '../errors.js';
import type { Image, Layer, WatchArrivals } from '../image/image.js';
import type { ImageList } from '../image/listed-image.js';
import { isForeign } from '../image/manifest.js';
import type { OpenContext } from '../image/open-context.js';
import { formatPlatform, isSameMachine, type Platform } from '../image/platform.js';
import type { OpenOptions } from '../options.js';
import { parseRegistryName } from '../reference/registry-name.js';
import { foreignLayers } from '../registry/foreign-layers.js';
import { foreignProblem } from '../registry/foreign-problem.js';
import { openRepository, type RepositoryOptions } from '../registry/open-repository.js';
import { RegistryDocuments } from '../registry/registry-documents.js';
import { foundImage } from './choose/found-image.js';
import { listDocument } from './choose/list-manifest.js';
import { type FetchedBlob, fetchLayers } from './fetch-layers.js';
import { describeLayers, imageOf } from './form/assemble-image.js';
import { imageManifest } from './form/image-manifest.js';
import type { FoundImage } from './form/source.js';
import { warnOfOddities } from './warn-of-oddities.js';

/** What to open in a registry. */
export interface RegistryRequest {
  /** As given by the user. */
  readonly reference: string;
  /** A name, as docker reads names. */
  readonly name: string;
  /** The platform that was asked for, if any. */
  readonly platform: Platform | undefined;
  readonly options: RepositoryOptions & Pick<OpenOptions, 'onWarning' | 'onInfo' | 'strictInput' | 'cache' | 'offline'>;
}

/** Default number of parallel downloads. */
const JOBS = 3;

/**
 * Opens an image in a registry. Its documents are read and checked; its layers are downloaded only when they are
 * fetched.
 *
 * @throws DIMGX_REFERENCE_INVALID, DIMGX_SOURCE_REGISTRY_*, DIMGX_SOURCE_NO_SUCH_IMAGE, DIMGX_SOURCE_NO_PLATFORM,
 *   DIMGX_SOURCE_MISSING_BLOB, DIMGX_SOURCE_NOT_AN_IMAGE, DIMGX_IMAGE_*, DIMGX_ABORTED; fetching layers throws
 *   DIMGX_SOURCE_FOREIGN_LAYER and what `fetchLayers` throws
 */
export async function openRegistryImage(request: RegistryRequest, context: OpenContext): Promise<Image> {
  const { options } = request;
  const { resources } = context;
  const { name, repository, cache, documents, warn } = await openDocuments(request.name, options, context);
  const { location, ...top } = await documents.top();
  const leafRequest = { location: quoted(name.full), wanted: request.platform, store: documents, tell: warn };
  const chosen = await imageManifest(top, quoted(name.full), leafRequest);
  const found = await foundImage(chosen, name.digest ? [] : [name.full], documents);
  requirePlatform(found, name.full, request.platform);
  warnOfOddities(found, inputWarner(options));
  const fetched = new Map<string, FetchedBlob>();
  const fetch = async (wanted: readonly Layer[], watch?: WatchArrivals) => {
    const { jobs = JOBS, allowForeignLayers = false } = options;
    const digests = wanted.map(({ digest }) => digest as string);
    const descriptors = chosen.manifest.layers.filter(({ digest }) => digests.includes(digest));
    const foreign = foreignLayers(descriptors, repository.own, allowForeignLayers);
    const item = printable(name.full, 80);
    return fetchLayers(wanted, { repository, cache, item, jobs, foreign, watch: watch?.layer, fetched }, context);
  };
  const source = { transport: 'docker', location };
  const layers = describeLayers(options.allowForeignLayers ? found : withoutForeign(found));
  return imageOf(found, { reference: request.reference, source, layers, fetch, resources });
}

/** Layers that may not be downloaded cannot be read; the image's other layers can. */
function withoutForeign(found: FoundImage): FoundImage {
  const layers = found.layers.map((layer) => {
    const { digest, mediaType, foreign } = layer;
    if (layer.problem || !digest || !foreign || !isForeign({ mediaType })) return layer;
    return { ...layer, problem: foreignProblem(digest, foreign, 'the registry') };
  });
  return { ...found, layers };
}

/**
 * Lists what a name in a registry refers to: an image, or an index and everything that it leads to. Whether their
 * layers exist is not checked.
 *
 * @throws as `openRegistryImage`
 */
export async function listRegistryImages(
  anyName: string,
  options: RegistryRequest['options'],
  context: OpenContext,
): Promise<Omit<ImageList, 'reference'>> {
  const { name, documents } = await openDocuments(anyName, options, context);
  const { location, ...top } = await documents.top();
  const images = await listDocument(top, name.digest ? [] : [name.full], documents);
  return { source: { transport: 'docker', location }, images };
}

async function openDocuments(anyName: string, options: RegistryRequest['options'], context: OpenContext) {
  const name = parseRegistryName(anyName);
  const warn = (warning: Warning) => options.onWarning?.(warning);
  const repository = await openRepository(name, options, { ...context, warn, inform: options.onInfo });
  const { resources, signal, tmpDir } = context;
  const cache = await openBlobCache({ cache: options.cache, env: process.env, tmpDir, signal, warn });
  resources.adopt(() => cache.close());
  return { name, repository, cache, documents: new RegistryDocuments(repository, cache), warn };
}

/** If no index declares the platform, the config decides. */
function requirePlatform({ isForPlatform, config }: FoundImage, name: string, wanted: Platform | undefined): void {
  if (!wanted || isForPlatform || !config.platform || isSameMachine(wanted, config.platform)) return;
  throw new DimgxError(
    'DIMGX_SOURCE_NO_PLATFORM',
    `${quoted(name)} is for ${formatPlatform(config.platform)}, and not for ${formatPlatform(wanted)}`,
  );
}
