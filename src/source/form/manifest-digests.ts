import { DimgxError } from '../../errors.js';
import { leavesOf } from '../../image/choose/manifest-leaves.js';
import { parseDocument } from '../../image/document.js';
import { type Descriptor, IndexSchema, ManifestSchema } from '../../image/manifest.js';
import { algorithmOf, type Digest, hexOf, parseDigest } from '../../reference/digest.js';
import { BlobStore, type Documents } from './documents.js';

/**
 * Maps the hex digits of each config to the digests by which containerd knows its image: those of the manifest and of
 * the indexes around it. These documents accompany the form that is read, so anything missing or malformed is left out.
 */
export async function manifestDigestsByConfig(
  documents: Documents,
  verify: boolean,
): Promise<ReadonlyMap<string, readonly Digest[]>> {
  const index = await lenient(async () => {
    const bytes = await documents.find(INDEX);
    return bytes && parseDocument(bytes, IndexSchema, INDEX);
  });
  return configDigests(index?.manifests ?? [], documents, verify);
}

/** Does the same for the images that these descriptors lead to. */
export async function configDigests(
  manifests: readonly Descriptor[],
  documents: Documents,
  verify: boolean,
): Promise<ReadonlyMap<string, readonly Digest[]>> {
  const found = new Map<string, readonly Digest[]>();
  const store = new BlobStore(documents, verify, blobPath);
  for (const { descriptor, indexes } of (await lenient(() => leavesOf(manifests, store))) ?? []) {
    await lenient(async () => {
      const { bytes, digest } = await store.manifest(descriptor);
      const { config } = parseDocument(bytes, ManifestSchema, digest);
      const all = [digest, ...indexes.map((index) => parseDigest(index, 'an index'))];
      found.set(hexOf(parseDigest(config.digest, 'a config')), all);
    });
  }
  return found;
}

async function lenient<T>(step: () => Promise<T>): Promise<T | undefined> {
  try {
    return await step();
  } catch (failure) {
    if (failure instanceof DimgxError && failure.code !== 'DIMGX_SOURCE_UNREADABLE') return undefined;
    throw failure;
  }
}

/** Source: OCI image-spec, image-layout.md. */
export const INDEX = 'index.json';
export const MARKER = 'oci-layout';

export function blobPath(digest: Digest): string {
  return `blobs/${algorithmOf(digest)}/${hexOf(digest)}`;
}
