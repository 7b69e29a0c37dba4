import type { Document } from '../../image/checks.js';
import { INDEX_DOCUMENT, type Manifest } from '../../image/manifest.js';
import { parseTolerantly } from '../../image/oddity.js';
import type { Digest } from '../../reference/digest.js';
import { chooseLeaf, type LeafRequest } from '../choose/choose-leaf.js';
import { type Leaf, leavesOf } from '../choose/manifest-leaves.js';
import { documentKind, parseManifest, readManifest } from '../choose/read-manifest.js';

/** An image's manifest, taken out of an index if there is one. */
export interface ImageManifest {
  readonly manifest: Manifest;
  readonly digest: Digest;
  /** An index declares that it is for the platform. */
  readonly isForPlatform: boolean;
  /** What is malformed in it, or in the index around it, without changing what is read; printable. */
  readonly oddities: readonly string[];
}

/**
 * Reads a manifest. If the document is an index, reads the manifest for the platform.
 *
 * @param what the document's name, printable
 * @throws DIMGX_IMAGE_TOO_LARGE, DIMGX_IMAGE_BAD_JSON, DIMGX_SOURCE_NOT_AN_IMAGE; as `manifestForPlatform`
 */
export async function imageManifest(
  { bytes, digest }: Document,
  what: string,
  request: LeafRequest,
): Promise<ImageManifest> {
  if (documentKind(bytes, what) === 'manifest') return { ...parseManifest(bytes, what), digest, isForPlatform: false };
  const { value: index, oddity } = parseTolerantly(bytes, INDEX_DOCUMENT, what);
  const found = await manifestForPlatform(await leavesOf(index.manifests, request.store), request);
  return { ...found, oddities: [oddity, ...found.oddities].filter((each) => each !== undefined) };
}

/**
 * @throws DIMGX_SOURCE_NO_PLATFORM, DIMGX_SOURCE_MISSING_BLOB, DIMGX_SOURCE_NOT_AN_IMAGE; the problem of the only
 *   manifest for the platform; what `Blobs.manifest` throws
 */
export async function manifestForPlatform(leaves: readonly Leaf[], request: LeafRequest): Promise<ImageManifest> {
  const { descriptor, isDeclared } = await chooseLeaf(leaves, request);
  return { ...(await readManifest(descriptor, request.store)), isForPlatform: isDeclared };
}
