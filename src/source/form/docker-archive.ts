import { basename } from 'node:path/posix';
import { quoted } from '../../base/text/printable.js';
import { DimgxError } from '../../errors.js';
import { checkDigest, checkLayerCount, digestOf } from '../../image/checks.js';
import { chooseByDocuments, factsOf, type Looked } from '../../image/choose/choose-by-documents.js';
import {
  type Candidate,
  chooseImage,
  distinctImages,
  matchingImages,
  realNames,
} from '../../image/choose/choose-image.js';
import { listedImage, MAX_MISSING, ownProblem } from '../../image/choose/examine-manifest.js';
import { type ParsedConfig, parseConfig } from '../../image/config.js';
import { parseDocument } from '../../image/document.js';
import type { ListedImage } from '../../image/image.js';
import {
  DOCKER_LAYER_TYPE,
  DOCKER_MANIFEST,
  type DockerManifestItem,
  DockerManifestSchema,
  isForeign,
} from '../../image/manifest.js';
import { parseTolerantly } from '../../image/oddity.js';
import { choosePlatform, defaultPlatform, type Platform } from '../../image/platform.js';
import { type Digest, hexOf, isDigest } from '../../reference/digest.js';
import { cleanName } from '../files/files.js';
import type { Documents } from './documents.js';
import type { FormRequest, FoundImage, FoundLayer } from './form.js';
import { manifestDigestsByConfig } from './manifest-digests.js';

/** The form that `docker save`, `podman save` and `skopeo copy` write: `manifest.json` beside configs and layers. */
export const usages = ['docker-archive:PATH[:NAME]'] as const;

const MANIFEST = 'manifest.json';

export const marks = [MANIFEST] as const;

/**
 * An object in `manifest.json` means skopeo's `dir:`. Anything else is taken for this form, so that the error says what
 * is wrong with it.
 */
export async function recognises(documents: Documents): Promise<boolean> {
  const opening = await documents.opening(MANIFEST);
  return opening !== undefined && !opening.startsWith('{');
}

/**
 * @throws DIMGX_SOURCE_AMBIGUOUS, DIMGX_SOURCE_NO_SUCH_IMAGE, DIMGX_IMAGE_LAYER_COUNT, DIMGX_IMAGE_DIGEST_MISMATCH;
 *   what `parseConfig` and `Documents.read` throw
 */
export async function find(request: FormRequest): Promise<FoundImage> {
  const { documents, verify } = request;
  const manifest = await documents.read(MANIFEST);
  const { value: items, oddity } = parseTolerantly(manifest, DOCKER_MANIFEST, MANIFEST);
  const manifests = await manifestDigestsByConfig(documents, verify);
  const digestOfConfig = onceForEach(async (path) => digestOf(await documents.read(path)));
  const saved: SavedImage[] = [];
  for (const item of items) saved.push(await savedImage(item, saved.length, digestOfConfig, manifests));
  const chosen = await chooseSaved(saved, request);
  const id = chosen.ids[0];
  const bytes = await documents.read(chosen.item.Config);
  if (verify && chosen.claimed) checkDigest(bytes, chosen.claimed, `the config ${quoted(chosen.item.Config)}`);
  const config = parseConfig(bytes, quoted(chosen.item.Config));
  checkLayerCount(chosen.item.Layers.length, config.diffIds.length);
  const tags = tagsOf(saved.filter((other) => other.ids[0] === id));
  const layers = chosen.item.Layers.map((path, index) => foundLayer(path, chosen.item, config.diffIds[index]));
  const older = await imagesBelow(config, saved, documents);
  const [manifestDigest] = manifests.get(id) ?? [];
  return {
    id,
    ...(manifestDigest && { manifestDigest }),
    tags,
    config,
    documents: { manifest },
    ...(oddity !== undefined && { oddities: [oddity] }),
    layers: layers.map((layer, index) => {
      if (index === layers.length - 1) return { ...layer, imageId: id, tags };
      const images = older.get(index + 1) ?? [];
      return { ...layer, ...(images[0] && { imageId: images[0].ids[0] }), tags: tagsOf(images) };
    }),
  };
}

export async function list(documents: Documents, verify: boolean): Promise<readonly ListedImage[]> {
  const items = parseDocument(await documents.read(MANIFEST), DockerManifestSchema, MANIFEST);
  const manifests = await manifestDigestsByConfig(documents, verify);
  const digestOfConfig = onceForEach(async (path) => digestOf(await documents.read(path)));
  const images: ListedImage[] = [];
  for (const [number, item] of items.entries()) {
    const image = await savedImage(item, number, digestOfConfig, manifests);
    const { seen } = await lookAtSaved(image, documents);
    const [digest = seen.digest] = manifests.get(image.ids[0]) ?? [];
    images.push(listedImage(seen, { names: image.names, number, digest }));
  }
  return images;
}

interface SavedImage extends Candidate {
  readonly item: DockerManifestItem;
  /** The digest that the name of the config's file states. */
  readonly claimed: Digest | undefined;
}

async function savedImage(
  item: DockerManifestItem,
  number: number,
  digestOfConfig: (path: string) => Promise<Digest>,
  manifests: ReadonlyMap<string, readonly Digest[]>,
): Promise<SavedImage> {
  const claimed = digestInName(item.Config);
  // A config that cannot be read is refused only when its image is chosen.
  const digest = claimed ?? (await ownProblem({ size: 0 }, () => digestOfConfig(item.Config)));
  const id = digest instanceof DimgxError ? item.Config : hexOf(digest);
  const names = realNames(item.RepoTags);
  return { names, ids: [id, ...(manifests.get(id) ?? []).map(hexOf)], number, item, claimed };
}

async function chooseSaved(saved: readonly SavedImage[], request: FormRequest): Promise<SavedImage> {
  const { documents, selector, wanted, warnOnly } = request;
  const { location } = documents.files;
  const look = (image: SavedImage) => lookAtSaved(image, documents);
  const matching = distinctImages(matchingImages(saved, selector));
  const haveOneName = new Set(matching.map(({ names }) => names.join('\n'))).size === 1;
  if (matching.length < 2 || !(wanted || haveOneName)) {
    return chooseImage(saved, { selector, location, describe: async (image) => factsOf(await look(image)) });
  }
  const chosen = await chooseByDocuments(matching, { selector, location, wanted, warnOnly, look });
  const [first] = chosen as [SavedImage];
  if (chosen.length === 1) return first;
  const platforms = new Map<SavedImage, Platform | undefined>();
  for (const image of chosen) platforms.set(image, (await look(image)).platforms[0]);
  return choosePlatform(wanted ?? defaultPlatform(), chosen, (image) => platforms.get(image)) ?? first;
}

/** What the config of an image says, and whether its layers are there. */
async function lookAtSaved({ item, ids }: SavedImage, documents: Documents): Promise<Looked> {
  const seen = { kind: 'image', digest: `sha256:${ids[0]}`, id: ids[0], missing: [] } as const;
  const config = await ownProblem({ size: 0 }, async () =>
    parseConfig(await documents.read(item.Config), quoted(item.Config)),
  );
  if (config instanceof DimgxError) {
    const missing = config.code === 'DIMGX_SOURCE_MISSING_BLOB' ? [item.Config] : [];
    return { seen: { ...seen, missing, problem: config }, platforms: [] };
  }
  const missing: string[] = [];
  let size = (await documents.lengthOf(item.Config)) ?? 0;
  for (const layer of item.Layers) {
    if (missing.length === MAX_MISSING) break;
    const length = await documents.lengthOf(layer);
    size += length ?? 0;
    if (length === undefined) missing.push(layer);
  }
  const { platform } = config;
  const known = { ...seen, missing, ...(platform && { platform }), ...(missing.length === 0 && { size }) };
  return { seen: known, platforms: platform ? [platform] : [] };
}

/** `<hex>.json`, `sha256:<hex>`, or `blobs/<algorithm>/<hex>`. */
function digestInName(path: string): Digest | undefined {
  const blob = digestOfBlobPath(cleanName(path));
  if (blob) return blob;
  const digest = `sha256:${basename(path, '.json').replace(/^sha256:/, '')}`;
  return isDigest(digest) ? digest : undefined;
}

function digestOfBlobPath(path: string): Digest | undefined {
  const digest = /^blobs\/([^/]+\/[^/]+)$/.exec(path)?.[1]?.replace('/', ':') ?? '';
  return isDigest(digest) ? digest : undefined;
}

function foundLayer(path: string, { LayerSources }: DockerManifestItem, diffId: Digest | undefined): FoundLayer {
  const file = cleanName(path);
  const digest = digestOfBlobPath(file);
  const described = diffId && Object.hasOwn(LayerSources, diffId) ? LayerSources[diffId] : undefined;
  const legacyId = /^([0-9a-f]{64})\/layer\.tar$/.exec(file)?.[1];
  return {
    file,
    mediaType: described?.mediaType || DOCKER_LAYER_TYPE,
    ...(digest && { digest }),
    ...(described?.size != null && described.digest === digest && { claimedSize: described.size }),
    ...(described && (isForeign(described) || described.urls.length > 0) && foreignOf(described)),
    ...(legacyId && { legacyId }),
    tags: [],
  };
}

/** Docker leaves foreign layers out of its archives. */
function foreignOf({ digest, size, urls }: NonNullable<DockerManifestItem['LayerSources'][string]>) {
  return { foreign: urls, ...(isDigest(digest) && { digest, ...(size != null && { claimedSize: size }) }) };
}

/**
 * The images that this one was built on, by their number of layers, which are the oldest layers of this one. Their
 * names mark where they end.
 */
async function imagesBelow(config: ParsedConfig, saved: readonly SavedImage[], documents: Documents) {
  const below = new Map<number, SavedImage[]>();
  if (saved.length === 1) return below;
  const countBelow = onceForEach(async (path) => {
    const diffIds = await diffIdsOf(path, documents);
    const isBelow =
      diffIds.length < config.diffIds.length && diffIds.every((id, index) => id === config.diffIds[index]);
    return isBelow ? diffIds.length : undefined;
  });
  for (const image of saved) {
    const count = await countBelow(image.item.Config);
    if (count === undefined) continue;
    const images = below.get(count);
    if (images) images.push(image);
    else below.set(count, [image]);
  }
  return below;
}

/** Works on each path once: many images may name the same config. */
function onceForEach<T>(work: (path: string) => Promise<T>): (path: string) => Promise<T> {
  const results = new Map<string, Promise<T>>();
  return (path) => {
    const result = results.get(path) ?? work(path);
    results.set(path, result);
    return result;
  };
}

/** For an image that was not chosen: a damaged config must not affect the chosen one. */
async function diffIdsOf(path: string, documents: Documents): Promise<readonly Digest[]> {
  try {
    return parseConfig(await documents.read(path), quoted(path)).diffIds;
  } catch (failure) {
    if (failure instanceof DimgxError && failure.code !== 'DIMGX_IMAGE_DOCUMENT_TOO_LARGE') return [];
    throw failure;
  }
}

function tagsOf(images: readonly SavedImage[]): readonly string[] {
  return [...new Set(images.flatMap(({ names }) => names))];
}
