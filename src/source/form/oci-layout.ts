import { parseDocument } from '../../image/document.js';
import type { ListedImage } from '../../image/listed-image.js';
import { type Descriptor, INDEX_DOCUMENT, IndexSchema } from '../../image/manifest.js';
import { parseTolerantly } from '../../image/oddity.js';
import { defaultPlatform, platformOf, rankOf } from '../../image/platform.js';
import { hexOf, isDigest } from '../../reference/digest.js';
import { chooseByDocuments, factsOf } from '../choose/choose-by-documents.js';
import {
  type Candidate,
  distinctImages,
  idPrefix,
  matchingImages,
  noSuchImage,
  realNames,
} from '../choose/choose-image.js';
import { foundImage } from '../choose/found-image.js';
import { notAnImage, otherPlatform } from '../choose/leaf-messages.js';
import { listManifest } from '../choose/list-manifest.js';
import { isManifest, kindOfDescriptor } from '../choose/manifest-kind.js';
import { leavesOf } from '../choose/manifest-leaves.js';
import { BlobStore } from './blob-store.js';
import type { Documents } from './documents.js';
import { imageManifest, manifestForPlatform } from './image-manifest.js';
import { likelyImages, lookAtImage } from './layout-images.js';
import { blobPath, INDEX, MARKER } from './layout-paths.js';
import { manifestDigestsByConfig } from './manifest-digests.js';
import type { FoundImage, SourceRequest } from './source.js';

/** An OCI image layout. Source: OCI image-spec, image-layout.md. */
export const transport = 'oci';

export async function recognises(documents: Documents): Promise<boolean> {
  return (await documents.opening(MARKER)) !== undefined || (await documents.opening(INDEX)) !== undefined;
}

/**
 * @throws DIMGX_SOURCE_AMBIGUOUS, DIMGX_SOURCE_NO_SUCH_IMAGE, DIMGX_SOURCE_NO_PLATFORM; what `imageManifest` and
 *   `foundImage` throw
 */
export async function find({ documents, selector, wanted, verify, tell }: SourceRequest): Promise<FoundImage> {
  const { location } = documents.files;
  const store = new BlobStore(documents, verify, blobPath);
  const request = { location, wanted, store, tell };
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
    throw notAnImage(blobs, location);
  }
  const look = (image: LayoutImage) => lookAtImage(image, store);
  const chosen = arePlatformsOfOne(images)
    ? images
    : await chooseByDocuments(images, { selector, location, wanted, tell, look });
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
  if (!wanted && declared && !isForPlatform) tell(otherPlatform(declared, location, defaultPlatform()));
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
export interface LayoutImage extends Candidate {
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
