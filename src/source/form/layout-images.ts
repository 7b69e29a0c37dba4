import { DimgxError } from '../../errors.js';
import { chooseByDocuments, factsOf, type Looked } from '../../image/choose/choose-by-documents.js';
import {
  type Candidate,
  distinctImages,
  idPrefix,
  matchingImages,
  noSuchImage,
} from '../../image/choose/choose-image.js';
import {
  type Examined,
  examineManifest,
  isWhole,
  ownProblem,
  withProblem,
} from '../../image/choose/examine-manifest.js';
import { noneIsAnImage, otherPlatform } from '../../image/choose/leaf-messages.js';
import { isImageKind, isManifest, kindOfDescriptor, mayBeIndex } from '../../image/choose/manifest-kind.js';
import { leavesOf } from '../../image/choose/manifest-leaves.js';
import type { Blobs, Descriptor } from '../../image/manifest.js';
import { defaultPlatform, platformOf, rankOf } from '../../image/platform.js';
import { BlobStore } from './documents.js';
import type { FormRequest, FoundImage } from './form.js';
import { foundImage, imageManifest, manifestForPlatform } from './found-image.js';
import { blobPath, configDigests } from './manifest-digests.js';

/** A manifest or an index among blobs, with its names. */
export interface LayoutImage extends Candidate {
  readonly descriptor: Descriptor;
  /** Its names as tags. Default: its first name. */
  readonly tags?: readonly string[];
}

/** What images are in a layout, or in another store that has the blobs of one. */
interface LayoutRequest extends Omit<FormRequest, 'warn'> {
  readonly listed: readonly LayoutImage[];
  /** Those of them that the selector means. */
  readonly matching: readonly LayoutImage[];
  /** Makes an image that is not listed, which the selector may mean by one of the IDs. */
  readonly unlisted: (descriptor: Descriptor, ids: readonly string[]) => LayoutImage;
}

/**
 * Finds the image among blobs, and reads its documents.
 *
 * @throws DIMGX_SOURCE_AMBIGUOUS, DIMGX_SOURCE_NO_SUCH_IMAGE, DIMGX_SOURCE_NO_PLATFORM; what `imageManifest` and
 *   `foundImage` throw
 */
export async function findInLayout(asked: LayoutRequest): Promise<FoundImage> {
  const { documents, selector, wanted, verify, warnOnly, listed } = asked;
  const { location } = documents.files;
  const store = new BlobStore(documents, verify, blobPath);
  const request = { location, wanted, store, warnOnly };
  let { matching } = asked;
  if (matching.length === 0 && selector !== undefined && idPrefix(selector) !== undefined) {
    matching = matchingImages(await hiddenImages(asked, store), selector);
  }
  if (matching.length === 0) {
    const describe = async (image: LayoutImage) => factsOf(await lookAtImage(image, store));
    throw await noSuchImage(listed, { selector, location, describe });
  }
  const images = await likelyImages(distinctImages(matching), store);
  if (images.every(({ descriptor }) => !isManifest(descriptor))) {
    const blobs = images.map(({ descriptor }) => ({
      digest: descriptor.digest,
      kind: kindOfDescriptor(descriptor),
      missing: [],
    }));
    throw noneIsAnImage(blobs, location);
  }
  const look = (image: LayoutImage) => lookAtImage(image, store);
  const chosen = arePlatformsOfOne(images)
    ? images
    : await chooseByDocuments(images, { selector, location, wanted, warnOnly, look });
  if (chosen.length > 1) {
    const leaves = chosen.map(({ descriptor }) => ({ descriptor, indexes: [] }));
    return foundImage(await manifestForPlatform(leaves, request), tagsOf(chosen), store);
  }
  const [{ descriptor, ids }] = chosen as [LayoutImage];
  const tags = tagsOf(listed.filter((image) => image.ids[0] === ids[0]));
  const document = await store.manifest(descriptor);
  const manifest = await imageManifest(document, document.digest, request);
  const declared = manifest.digest === document.digest ? platformOf(descriptor.platform) : undefined;
  const isForPlatform = declared !== undefined && rankOf(wanted ?? defaultPlatform(), declared) !== undefined;
  const found = await foundImage({ ...manifest, isForPlatform: manifest.isForPlatform || isForPlatform }, tags, store);
  if (!wanted && declared && !isForPlatform) warnOnly(otherPlatform(declared, location, defaultPlatform()));
  return found;
}

/**
 * Images that the top of the layout does not list: those inside its indexes, and those known by the digest of their
 * config.
 */
async function hiddenImages(
  { listed, documents, verify, unlisted }: LayoutRequest,
  store: BlobStore,
): Promise<readonly LayoutImage[]> {
  const manifests = listed.map(({ descriptor }) => descriptor);
  const configs = new Map<string, string[]>();
  for (const [config, [digest = '']] of await configDigests(manifests, documents, verify)) {
    configs.set(digest, [...(configs.get(digest) ?? []), config]);
  }
  const leaves = await leavesOf(manifests, store);
  return leaves.map(({ descriptor }) => unlisted(descriptor, configs.get(descriptor.digest) ?? []));
}

/** Some tools list the platforms of one image at the top of the layout, without an index for them. */
function arePlatformsOfOne(images: readonly LayoutImage[]): boolean {
  const names = new Set(images.map((image) => image.names.join('\n')));
  return images.length > 1 && names.size === 1 && images.every(({ descriptor }) => descriptor.platform);
}

/** The full name if there is one, without its tag as a second name. */
function tagsOf(images: readonly LayoutImage[]): readonly string[] {
  return [...new Set(images.flatMap(({ tags, names }) => tags ?? names.slice(0, 1)))];
}

/**
 * Leaves out anything that is not an image by its descriptor, and anything that one of the remaining indexes leads to.
 */
async function likelyImages(images: readonly LayoutImage[], store: Blobs): Promise<readonly LayoutImage[]> {
  if (images.length < 2) return images;
  const claimed = images.filter(({ descriptor }) => isImageKind(kindOfDescriptor(descriptor)));
  if (claimed.length < 2) return claimed.length > 0 ? claimed : images;
  const below = new Set<string>();
  for (const { descriptor } of claimed.filter((image) => mayBeIndex(image.descriptor))) {
    const leaves = await ownProblem(descriptor, () => leavesOf([descriptor], store));
    if (leaves instanceof DimgxError) continue;
    for (const leaf of leaves) {
      if (leaf.descriptor === descriptor) continue;
      // The last index on the path is this one.
      for (const digest of [leaf.descriptor.digest, ...leaf.indexes.slice(0, -1)]) below.add(digest);
    }
  }
  const top = claimed.filter(({ descriptor }) => !below.has(descriptor.digest));
  return top.length > 0 ? top : claimed;
}

/** What the documents of an image in a layout say. */
async function lookAtImage(image: LayoutImage, store: Blobs): Promise<Looked> {
  const { descriptor } = image;
  const index = mayBeIndex(descriptor) && (await lookIntoIndex(descriptor, store));
  if (index) return index;
  const seen = await examineManifest(descriptor, store);
  return { seen, platforms: seen.platform ? [seen.platform] : [] };
}

/**
 * An index is as whole as the best of its images; the others may be missing.
 *
 * @returns `undefined` for a manifest, and for a document that cannot be read and is not declared to be an index
 */
async function lookIntoIndex(descriptor: Descriptor, store: Blobs): Promise<Looked | undefined> {
  const index: Examined = { digest: descriptor.digest, kind: 'index', missing: [] };
  const leaves = await ownProblem(descriptor, () => leavesOf([descriptor], store));
  if (leaves instanceof DimgxError)
    return { seen: { ...index, ...withProblem(leaves, descriptor.digest) }, platforms: [] };
  if (leaves[0]?.descriptor === descriptor && descriptor.mediaType === '') return undefined;
  const inside: Examined[] = [];
  for (const leaf of leaves) {
    if (leaf.problem) inside.push({ ...index, ...withProblem(leaf.problem, leaf.descriptor.digest) });
    else inside.push(await examineManifest(leaf.descriptor, store));
  }
  const images = inside.filter(({ kind }) => isImageKind(kind));
  const best = images.find(isWhole) ?? images[0];
  if (!best && inside[0]) return { seen: { ...index, kind: inside[0].kind }, platforms: [] };
  const { problem, missing } = best ?? index;
  const platforms = images.flatMap(({ platform }) => platform ?? []);
  return { seen: { ...index, missing, ...(problem && { problem }) }, platforms };
}
