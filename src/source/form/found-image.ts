import { quoted } from '../../base/text/printable.js';
import { DimgxError } from '../../errors.js';
import { checkLayerCount } from '../../image/checks.js';
import { chooseLeaf, type LeafRequest } from '../../image/choose/choose-leaf.js';
import { kindOfManifest, withArticle } from '../../image/choose/manifest-kind.js';
import { type Leaf, leavesOf } from '../../image/choose/manifest-leaves.js';
import { documentKind, parseManifest, readManifest } from '../../image/choose/read-manifest.js';
import { parseConfig } from '../../image/config.js';
import {
  type Blobs,
  type Descriptor,
  type Document,
  IMAGE_CONFIG_TYPES,
  INDEX_DOCUMENT,
  isForeign,
  type Manifest,
} from '../../image/manifest.js';
import { parseTolerantly } from '../../image/oddity.js';
import { type Digest, hexOf, isDigest } from '../../reference/digest.js';
import type { FoundImage, FoundLayer } from './form.js';

/**
 * The image of an OCI manifest, or of a Docker manifest of schema 2, wherever its blobs are.
 *
 * @throws DIMGX_SOURCE_NOT_AN_IMAGE for an artifact; DIMGX_IMAGE_LAYER_COUNT; what `Blobs.config` and `parseConfig`
 *   throw
 */
export async function foundImage(
  { manifest, digest: manifestDigest, bytes: document, index, isForPlatform, oddities }: ImageManifest,
  tags: readonly string[],
  store: Blobs,
): Promise<FoundImage> {
  refuseArtifact(manifest);
  const { bytes, digest } = await store.config(manifest.config);
  const config = parseConfig(bytes, `the config ${digest}`);
  checkLayerCount(manifest.layers.length, config.diffIds.length);
  const id = hexOf(digest);
  const newest = manifest.layers.length - 1;
  const layers = manifest.layers.map((descriptor, index) => {
    const layer = foundLayer(descriptor, store);
    return index === newest ? { ...layer, imageId: id, tags } : layer;
  });
  const documents = { manifest: document, ...(index && { index }) };
  return { id, manifestDigest, tags, isForPlatform, config, documents, oddities, layers };
}

/** A problem with one layer does not keep the others from being listed and read. */
function foundLayer(descriptor: Descriptor, store: Blobs): FoundLayer {
  const { digest: text, mediaType, size, urls } = descriptor;
  const claimed = size == null ? {} : { claimedSize: size };
  if (!isDigest(text)) {
    return { file: quoted(text), mediaType, ...claimed, tags: [], problem: badDigest(text) };
  }
  const isEncrypted = mediaType.endsWith('+encrypted');
  return {
    file: store.blobPath(text),
    mediaType,
    digest: text,
    ...claimed,
    tags: [],
    ...((isForeign(descriptor) || urls.length > 0) && { foreign: urls }),
    ...(isEncrypted && { problem: encrypted(text) }),
  };
}

function badDigest(text: string): DimgxError {
  return new DimgxError('DIMGX_IMAGE_BAD_DIGEST', `the digest of a layer is malformed: ${quoted(text)}`);
}

function encrypted(digest: Digest): DimgxError {
  return new DimgxError('DIMGX_SOURCE_UNSUPPORTED', `the layer ${digest} is encrypted: decrypt the image first`);
}

function refuseArtifact(manifest: Manifest): void {
  const { mediaType } = manifest.config;
  const kind = kindOfManifest(manifest);
  const isRunnable = mediaType === '' || IMAGE_CONFIG_TYPES.includes(mediaType);
  if (isRunnable && ['image', 'referrer', 'Nydus image'].includes(kind)) return;
  const what = `${withArticle(kind)} of type ${quoted(manifest.artifactType || mediaType)}`;
  throw new DimgxError('DIMGX_SOURCE_NOT_AN_IMAGE', `the manifest describes ${what}, not an image`);
}

/** An image's manifest, taken out of an index if there is one. */
interface ImageManifest {
  readonly manifest: Manifest;
  readonly digest: Digest;
  readonly bytes: Uint8Array;
  /** The index that it was taken out of. */
  readonly index?: Uint8Array;
  /** An index declares that it is for the platform. */
  readonly isForPlatform: boolean;
  /** What is malformed in it, or in the index around it, without changing what is read; printable. */
  readonly oddities: readonly string[];
}

/**
 * Reads a manifest. If the document is an index, reads the manifest for the platform.
 *
 * @param what the document's name, printable
 * @throws DIMGX_IMAGE_DOCUMENT_TOO_LARGE, DIMGX_IMAGE_BAD_JSON, DIMGX_SOURCE_NOT_AN_IMAGE; as `manifestForPlatform`
 */
export async function imageManifest(
  { bytes, digest }: Document,
  what: string,
  request: LeafRequest,
): Promise<ImageManifest> {
  if (documentKind(bytes, what) === 'manifest') {
    return { ...parseManifest(bytes, what), digest, bytes, isForPlatform: false };
  }
  const { value: index, oddity } = parseTolerantly(bytes, INDEX_DOCUMENT, what);
  const found = await manifestForPlatform(await leavesOf(index.manifests, request.store), request);
  return { ...found, index: bytes, oddities: [oddity, ...found.oddities].filter((each) => each !== undefined) };
}

/**
 * @throws DIMGX_SOURCE_NO_PLATFORM, DIMGX_SOURCE_MISSING_BLOB, DIMGX_SOURCE_NOT_AN_IMAGE; the problem of the only
 *   manifest for the platform; what `Blobs.manifest` throws
 */
export async function manifestForPlatform(leaves: readonly Leaf[], request: LeafRequest): Promise<ImageManifest> {
  const { descriptor, isDeclared } = await chooseLeaf(leaves, request);
  return { ...(await readManifest(descriptor, request.store)), isForPlatform: isDeclared };
}
