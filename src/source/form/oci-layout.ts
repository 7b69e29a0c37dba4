import { matchingImages, realNames } from '../../image/choose/choose-image.js';
import { listManifest } from '../../image/choose/list-manifest.js';
import { parseDocument } from '../../image/document.js';
import type { ListedImage } from '../../image/image.js';
import { type Descriptor, INDEX_DOCUMENT, IndexSchema } from '../../image/manifest.js';
import { parseTolerantly } from '../../image/oddity.js';
import { hexOf, isDigest } from '../../reference/digest.js';
import { BlobStore, type Documents } from './documents.js';
import type { FormRequest, FoundImage } from './form.js';
import { findInLayout, type LayoutImage } from './layout-images.js';
import { blobPath, INDEX, MARKER } from './manifest-digests.js';

/** An OCI image layout. Source: OCI image-spec, image-layout.md. */
export const usages = ['oci:DIR[:TAG]', 'oci-archive:FILE[:TAG]'] as const;

export const marks = [INDEX, MARKER] as const;

export async function recognises(documents: Documents): Promise<boolean> {
  return (await documents.opening(MARKER)) !== undefined || (await documents.opening(INDEX)) !== undefined;
}

/** @throws what `findInLayout` throws */
export async function find(request: FormRequest): Promise<FoundImage> {
  const bytes = await request.documents.read(INDEX);
  const { value: index, oddity } = parseTolerantly(bytes, INDEX_DOCUMENT, INDEX);
  const listed = index.manifests.map((descriptor, number) => namedImage(descriptor, { number }));
  const matching = matchingImages(listed, request.selector);
  const unlisted = (descriptor: Descriptor, ids: readonly string[]) => namedImage(descriptor, { ids });
  const chosen = await findInLayout({ ...request, listed, matching, unlisted });
  const found = { ...chosen, documents: { index: bytes, ...chosen.documents } };
  return oddity === undefined ? found : { ...found, oddities: [oddity, ...(found.oddities ?? [])] };
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

const NAMES = ['io.containerd.image.name', 'org.opencontainers.image.ref.name'];

function namedImage(
  descriptor: Descriptor,
  more: { readonly number?: number; readonly ids?: readonly string[] },
): LayoutImage {
  const { annotations, digest } = descriptor;
  const names = realNames(
    NAMES.map((key) => (annotations && Object.hasOwn(annotations, key) && annotations[key]) || ''),
  );
  // A malformed digest is refused only when the image is chosen.
  const id = isDigest(digest) ? hexOf(digest) : digest;
  const { number, ids = [] } = more;
  return { names, ids: [id, ...ids] as const, descriptor, ...(number !== undefined && { number }) };
}
