import { hexOf, parseDigest } from '../image/digest.js';
import { parseDocument } from '../image/document.js';
import { type Descriptor, IndexSchema } from '../image/manifest.js';
import { BlobStore } from './blob-store.js';
import { type Candidate, chooseImage, idPrefix, matchingImages } from './choose-image.js';
import type { Documents } from './documents.js';
import { foundImage } from './found-image.js';
import { imageManifest, isAttestation, leavesOf, manifestForPlatform } from './image-manifest.js';
import { blobPath, INDEX, MARKER } from './layout-paths.js';
import { manifestDigestsByConfig } from './manifest-digests.js';
import type { FoundImage, SourceRequest } from './source.js';

/** An OCI image layout. Source: OCI image-spec, image-layout.md. */
export const transport = 'oci';

export async function recognises(documents: Documents): Promise<boolean> {
  return (await documents.opening(MARKER)) !== undefined || (await documents.opening(INDEX)) !== undefined;
}

/**
 * @throws DIMGX_SOURCE_AMBIGUOUS, DIMGX_SOURCE_NO_SUCH_IMAGE; what `imageManifest` and `foundImage` throw
 */
export async function find({ documents, selector, platform, verify }: SourceRequest): Promise<FoundImage> {
  const { location } = documents.files;
  const store = new BlobStore(documents, verify, blobPath);
  const { manifests } = parseDocument(await documents.read(INDEX), IndexSchema, INDEX);
  const named = manifests.filter((descriptor) => !isAttestation(descriptor)).map((descriptor) => candidate(descriptor));
  const matching = matchingImages(named, selector);
  if (arePlatformsOfOne(matching)) {
    const leaves = matching.map(({ descriptor }) => ({ descriptor, indexes: [] }));
    return foundImage(await manifestForPlatform(leaves, location, platform, store), tagsOf(matching), store);
  }
  const isById = matching.length === 0 && selector !== undefined && idPrefix(selector) !== undefined;
  const candidates = isById ? [...named, ...(await hiddenImages(manifests, documents, store, verify))] : named;
  const chosen = chooseImage(candidates, selector, location);
  const tags = tagsOf(named.filter(({ ids }) => ids[0] === chosen.ids[0]));
  const document = await store.manifest(chosen.descriptor);
  return foundImage(await imageManifest(document, document.digest, platform, store), tags, store);
}

interface NamedImage extends Candidate {
  readonly descriptor: Descriptor;
}

function candidate(descriptor: Descriptor, ids: readonly string[] = []): NamedImage {
  const { annotations, digest } = descriptor;
  const names = ['io.containerd.image.name', 'org.opencontainers.image.ref.name']
    .filter((key) => annotations && Object.hasOwn(annotations, key))
    .map((key) => annotations?.[key] ?? '');
  return { names, ids: [hexOf(parseDigest(digest, 'a manifest')), ...ids], descriptor };
}

/** Images that the top of the layout does not tell of: inside its indexes, or by the digest of their config. */
async function hiddenImages(
  manifests: readonly Descriptor[],
  documents: Documents,
  store: BlobStore,
  verify: boolean,
): Promise<readonly NamedImage[]> {
  const configs = new Map<string, string[]>();
  for (const [config, [digest = '']] of await manifestDigestsByConfig(documents, verify)) {
    configs.set(digest, [...(configs.get(digest) ?? []), config]);
  }
  const leaves = await leavesOf(manifests, store);
  return leaves.map(({ descriptor }) => candidate(descriptor, configs.get(descriptor.digest)));
}

/** Some tools list the platforms of one image at the top of the layout, without an index of their own. */
function arePlatformsOfOne(images: readonly NamedImage[]): boolean {
  const names = new Set(images.map((image) => image.names.join('\n')));
  return images.length > 1 && names.size === 1 && images.every(({ descriptor }) => descriptor.platform);
}

/** The full name, where there is one, and not also the tag that ends it. */
function tagsOf(images: readonly NamedImage[]): readonly string[] {
  return [...new Set(images.flatMap(({ names }) => names.slice(0, 1)))];
}
