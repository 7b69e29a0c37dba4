import { printable, quoted } from '../base/text/printable.js';
import type { BlobCache } from '../cache/blob-cache.js';
import { openBlobCache } from '../cache/open-blob-cache.js';
import { compressionOf } from '../compression/packed-region.js';
import { DimgxError, inputWarner, type Warning } from '../errors.js';
import type { WatchArrivals, WatchLayer } from '../image/arrivals.js';
import { digestOfRegion } from '../image/checks.js';
import { listDocument } from '../image/choose/list-manifest.js';
import type { Image, ImageList, OpenContext } from '../image/image.js';
import type { Layer, LayerKeeper, StoredLayer } from '../image/layer.js';
import { isForeign } from '../image/manifest.js';
import { formatPlatform, isSameMachine, type Platform } from '../image/platform.js';
import type { OpenOptions } from '../options.js';
import { algorithmOf, type Digest } from '../reference/digest.js';
import { parseRegistryName } from '../reference/image-name.js';
import type { BlobOrigin } from '../registry/download-blob.js';
import { foreignLayers, foreignProblem } from '../registry/foreign-layers.js';
import { LayerDownload, type RegistryLayer } from '../registry/layer-download.js';
import { layerSize } from '../registry/layer-size.js';
import { openRepository, type RepositoryOptions } from '../registry/open-repository.js';
import { RegistryDocuments } from '../registry/registry-documents.js';
import type { Repository } from '../registry/repository.js';
import { describeLayers, imageOf, warnOfOddities } from './form/assemble-image.js';
import type { FoundImage } from './form/form.js';
import { foundImage, imageManifest } from './form/found-image.js';
import type { Transport } from './sources.js';

const TRANSPORT: Transport = 'docker';

/** What to open in a registry. */
interface ImageRequest {
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
 * @throws DIMGX_REFERENCE_INVALID, DIMGX_REGISTRY_*, DIMGX_SOURCE_NO_SUCH_IMAGE, DIMGX_SOURCE_NO_PLATFORM,
 *   DIMGX_SOURCE_MISSING_BLOB, DIMGX_SOURCE_NOT_AN_IMAGE, DIMGX_IMAGE_*, DIMGX_ABORTED; fetching layers throws
 *   DIMGX_SOURCE_FOREIGN_LAYER and what `fetchLayers` throws
 */
export async function openRegistryImage(request: ImageRequest, context: OpenContext): Promise<Image> {
  const { options } = request;
  const { resources } = context;
  const { name, repository, cache, documents, warn } = await openDocuments(request.name, options, context);
  const { location, ...top } = await documents.top();
  const leafRequest = { location: quoted(name.full), wanted: request.platform, store: documents, warnOnly: warn };
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
  const loadIndex = async ({ digest }: Layer) => digest && cache.loadDerived(digest);
  const source = { transport: TRANSPORT, location };
  const layers = describeLayers(options.allowForeignLayers ? found : withoutForeign(found));
  return imageOf(found, { reference: request.reference, source, layers, fetch, loadIndex, resources });
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
  options: ImageRequest['options'],
  context: OpenContext,
): Promise<Omit<ImageList, 'reference'>> {
  const { name, documents } = await openDocuments(anyName, options, context);
  const { location, ...top } = await documents.top();
  const images = await listDocument(top, name.digest ? [] : [name.full], documents);
  return { source: { transport: TRANSPORT, location }, images };
}

async function openDocuments(anyName: string, options: ImageRequest['options'], context: OpenContext) {
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
    `${quoted(name)} is for ${formatPlatform(config.platform)}, not for ${formatPlatform(wanted)}`,
  );
}

interface LayersRequest {
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
