import { digestOf } from '../../image/checks.js';
import { chooseImage } from '../../image/choose/choose-image.js';
import { listDocument } from '../../image/choose/list-manifest.js';
import type { ListedImage } from '../../image/image.js';
import { algorithmOf, type Digest, hexOf } from '../../reference/digest.js';
import { BlobStore, type Documents } from './documents.js';
import type { FormRequest, FoundImage } from './form.js';
import { foundImage, imageManifest } from './found-image.js';

/** The form that `skopeo copy … dir:DIR` writes: one manifest and its blobs. Source: containers/image, directory/. */
export const usages = ['dir:DIR'] as const;

const MANIFEST = 'manifest.json';

export const marks = [MANIFEST] as const;

/** Whether `manifest.json` is an object. The one that `docker save` writes is a list. */
export async function recognises(documents: Documents): Promise<boolean> {
  return (await documents.opening(MANIFEST))?.startsWith('{') ?? false;
}

/**
 * @throws DIMGX_SOURCE_NO_SUCH_IMAGE when the selector does not match the one image; what `imageManifest` and
 *   `foundImage` throw
 */
export async function find({ documents, selector, wanted, verify, warnOnly }: FormRequest): Promise<FoundImage> {
  const store = new BlobStore(documents, verify, blobPath, (digest) => `${blobPath(digest)}.manifest.json`);
  const bytes = await documents.read(MANIFEST);
  const digest = digestOf(bytes);
  const { location } = documents.files;
  const manifest = await imageManifest({ bytes, digest }, MANIFEST, { location, wanted, store, warnOnly });
  const image = await foundImage(manifest, [], store);
  const candidate = { names: [], ids: [image.id, hexOf(digest)], number: 0 } as const;
  const facts = { kind: 'image', digest, ...(image.config.platform && { platform: image.config.platform }) };
  await chooseImage([candidate], { selector, location, describe: async () => facts });
  return image;
}

export async function list(documents: Documents, verify: boolean): Promise<readonly ListedImage[]> {
  const store = new BlobStore(documents, verify, blobPath, (digest) => `${blobPath(digest)}.manifest.json`);
  const bytes = await documents.read(MANIFEST);
  const top = { bytes, digest: digestOf(bytes) };
  return (await listDocument(top, [], store)).map((image, at) => (at === 0 ? { ...image, number: 0 } : image));
}

function blobPath(digest: Digest): string {
  return algorithmOf(digest) === 'sha256' ? hexOf(digest) : digest.replace(':', '-');
}
