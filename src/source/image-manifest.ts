import type { Digest } from '../image/digest.js';
import { parseDocument } from '../image/document.js';
import { IndexSchema, type Manifest, ManifestSchema } from '../image/manifest.js';
import type { Document } from './blob-store.js';
import { chooseLeaf, type LeafRequest } from './choose-leaf.js';
import { type Leaf, leavesOf } from './manifest-leaves.js';
import { documentKind, readManifest } from './read-manifest.js';

/** An image's manifest, out of an index where there is one. */
export interface ImageManifest {
  readonly manifest: Manifest;
  readonly digest: Digest;
  /** An index says that it is for the platform. */
  readonly isForPlatform: boolean;
}

/**
 * Reads a manifest, or the one for the platform when the document is an index.
 *
 * @param what the document's name, printable
 * @throws DIMGX_IMAGE_TOO_LARGE, DIMGX_IMAGE_BAD_JSON, DIMGX_SOURCE_NOT_AN_IMAGE; as `manifestForPlatform`
 */
export async function imageManifest(
  { bytes, digest }: Document,
  what: string,
  request: LeafRequest,
): Promise<ImageManifest> {
  if (documentKind(bytes, what) === 'manifest')
    return { manifest: parseDocument(bytes, ManifestSchema, what), digest, isForPlatform: false };
  const { manifests } = parseDocument(bytes, IndexSchema, what);
  return manifestForPlatform(await leavesOf(manifests, request.store), request);
}

/**
 * @throws DIMGX_SOURCE_NO_PLATFORM, DIMGX_SOURCE_MISSING_BLOB, DIMGX_SOURCE_NOT_AN_IMAGE; what is wrong with the only
 *   manifest for the platform; what `Blobs.manifest` throws
 */
export async function manifestForPlatform(leaves: readonly Leaf[], request: LeafRequest): Promise<ImageManifest> {
  const { descriptor, isDeclared } = await chooseLeaf(leaves, request);
  return { ...(await readManifest(descriptor, request.store)), isForPlatform: isDeclared };
}
