import { DimgxError } from '../../errors.js';
import { chooseByDocuments, factsOf, type Looked } from '../../image/choose/choose-by-documents.js';
import {
  type Candidate,
  distinctImages,
  idPrefix,
  matchingImages,
  noSuchImage,
  realNames,
} from '../../image/choose/choose-image.js';
import {
  type Examined,
  examineManifest,
  isWhole,
  ownProblem,
  withProblem,
} from '../../image/choose/examine-manifest.js';
import { noneIsAnImage, otherPlatform } from '../../image/choose/leaf-messages.js';
import { listManifest } from '../../image/choose/list-manifest.js';
import { isImageKind, isManifest, kindOfDescriptor, mayBeIndex } from '../../image/choose/manifest-kind.js';
import { leavesOf } from '../../image/choose/manifest-leaves.js';
import { parseDocument } from '../../image/document.js';
import type { ListedImage } from '../../image/image.js';
import { type Blobs, type Descriptor, INDEX_DOCUMENT, IndexSchema } from '../../image/manifest.js';
import { parseTolerantly } from '../../image/oddity.js';
import { defaultPlatform, platformOf, rankOf } from '../../image/platform.js';
import { hexOf, isDigest } from '../../reference/digest.js';
import { BlobStore, type Documents } from './documents.js';
import type { FormRequest, FoundImage } from './form.js';
import { foundImage, imageManifest, manifestForPlatform } from './found-image.js';
import { blobPath, INDEX, MARKER, manifestDigestsByConfig } from './manifest-digests.js';

/** An OCI image layout. Source: OCI image-spec, image-layout.md. */
export const usages = ['oci:DIR[:TAG]', 'oci-archive:FILE[:TAG]'] as const;

export const marks = [INDEX, MARKER] as const;

export async function recognises(documents: Documents): Promise<boolean> {
  return (await documents.opening(MARKER)) !== undefined || (await documents.opening(INDEX)) !== undefined;
}

/**
 * @throws DIMGX_SOURCE_AMBIGUOUS, DIMGX_SOURCE_NO_SUCH_IMAGE, DIMGX_SOURCE_NO_PLATFORM; what `imageManifest` and
 *   `foundImage` throw
 */
export async function find({ documents, selector, wanted, verify, warnOnly }: FormRequest): Promise<FoundImage> {
  const { location } = documents.files;
  const store = new BlobStore(documents, verify, blobPath);
  const request = { location, wanted, store, warnOnly };
  const { value: index, oddity } = parseTolerantly(await documents.read(INDEX), INDEX_DOCUMENT, INDEX);
  const { manifests } = index;
  const around = oddity === undefined ? [] : [oddity];
  const listed = manifests.map((descriptor, number) => namedImage(descriptor, { number }));
  let matching = matchingImages(listed, selector);
  if (matching.length === 0 && selector !== undefined && idPrefix(selector) !== undefined) {
    matching = matchingImages(await hiddenImages(manifests, documents, store, verify), selector);
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
    return withOddities(await foundImage(await manifestForPlatform(leaves, request), tagsOf(chosen), store), around);
  }
  const [{ descriptor, ids }] = chosen as [LayoutImage];
  const tags = tagsOf(listed.filter((image) => image.ids[0] === ids[0]));
  const document = await store.manifest(descriptor);
  const manifest = await imageManifest(document, document.digest, request);
  const declared = manifest.digest === document.digest ? platformOf(descriptor.platform) : undefined;
  const isForPlatform = declared !== undefined && rankOf(wanted ?? defaultPlatform(), declared) !== undefined;
  const found = await foundImage({ ...manifest, isForPlatform: manifest.isForPlatform || isForPlatform }, tags, store);
  if (!wanted && declared && !isForPlatform) warnOnly(otherPlatform(declared, location, defaultPlatform()));
  return withOddities(found, around);
}

export async function list(documents: Documents, verify: boolean): Promise<readonly ListedImage[]> {
  const store = new BlobStore(documents, verify, blobPath);
  const { manifests } = parseDocument(await documents.read(INDEX), IndexSchema, INDEX);
  const images: ListedImage[] = [];
  for (const [number, descriptor] of manifests.entries()) {
    const { names } = namedImage(descriptor, {});
    for (const image of await listManifest(descriptor, names, store)) {
      images.push(image.index === undefined ? { ...image, number } : image);
    }
  }
  return images;
}

/** A manifest or an index of a layout. */
interface LayoutImage extends Candidate {
  readonly descriptor: Descriptor;
}

const NAMES = ['io.containerd.image.name', 'org.opencontainers.image.ref.name'];

function namedImage(descriptor: Descriptor, more: { readonly number?: number; readonly ids?: readonly string[] }) {
  const { annotations, digest } = descriptor;
  const names = realNames(
    NAMES.map((key) => (annotations && Object.hasOwn(annotations, key) && annotations[key]) || ''),
  );
  // A malformed digest is refused only when the image is chosen.
  const id = isDigest(digest) ? hexOf(digest) : digest;
  const { number, ids = [] } = more;
  return { names, ids: [id, ...ids] as const, descriptor, ...(number !== undefined && { number }) };
}

/**
 * Images that the top of the layout does not list: those inside its indexes, and those known by the digest of their
 * config.
 */
async function hiddenImages(
  manifests: readonly Descriptor[],
  documents: Documents,
  store: BlobStore,
  verify: boolean,
): Promise<readonly LayoutImage[]> {
  const configs = new Map<string, string[]>();
  for (const [config, [digest = '']] of await manifestDigestsByConfig(documents, verify)) {
    configs.set(digest, [...(configs.get(digest) ?? []), config]);
  }
  const leaves = await leavesOf(manifests, store);
  return leaves.map(({ descriptor }) => namedImage(descriptor, { ids: configs.get(descriptor.digest) ?? [] }));
}

function withOddities(found: FoundImage, around: readonly string[]): FoundImage {
  return { ...found, oddities: [...around, ...(found.oddities ?? [])] };
}

/** Some tools list the platforms of one image at the top of the layout, without an index for them. */
function arePlatformsOfOne(images: readonly LayoutImage[]): boolean {
  const names = new Set(images.map((image) => image.names.join('\n')));
  return images.length > 1 && names.size === 1 && images.every(({ descriptor }) => descriptor.platform);
}

/** The full name if there is one, without its tag as a second name. */
function tagsOf(images: readonly LayoutImage[]): readonly string[] {
  return [...new Set(images.flatMap(({ names }) => names.slice(0, 1)))];
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
