import { DimgxError } from '../../errors.js';
import type { Digest } from '../../reference/digest.js';
import { parseDocument } from '../document.js';
import { type Blobs, type Descriptor, INDEX_TYPES, KindSchema, MANIFEST, type Manifest } from '../manifest.js';
import { parseTolerantly } from '../oddity.js';

/**
 * Whether a document is a manifest or an index. A document that could be read as both is refused: readers have
 * disagreed about such documents before (CVE-2021-41190).
 *
 * @param what the document's name, printable
 * @throws DIMGX_SOURCE_NOT_AN_IMAGE, DIMGX_IMAGE_BAD_JSON
 */
export function documentKind(bytes: Uint8Array, what: string): 'manifest' | 'index' {
  const { schemaVersion, mediaType, manifests, layers, config, fsLayers } = parseDocument(bytes, KindSchema, what);
  if (schemaVersion === 1 || fsLayers !== undefined) {
    throw new DimgxError(
      'DIMGX_SOURCE_NOT_AN_IMAGE',
      `${what} is a manifest of schema 1, which engines no longer read: convert it, for example with skopeo copy --format v2s2`,
    );
  }
  const isIndex = manifests !== undefined || INDEX_TYPES.includes(mediaType);
  if (isIndex && (layers !== undefined || config !== undefined)) {
    throw new DimgxError('DIMGX_IMAGE_BAD_JSON', `${what} is both a manifest and an index: the image is refused`);
  }
  return isIndex ? 'index' : 'manifest';
}

/**
 * Reads a manifest that an index leads to.
 *
 * @throws DIMGX_IMAGE_BAD_JSON, DIMGX_SOURCE_NOT_AN_IMAGE; what `Blobs.manifest` throws
 */
export async function readManifest(
  descriptor: Descriptor,
  store: Blobs,
): Promise<ReadManifest & { readonly digest: Digest; readonly bytes: Uint8Array }> {
  const { bytes, digest } = await store.manifest(descriptor);
  if (documentKind(bytes, digest) === 'index') {
    const message = `${digest} is an index, but the index that lists it declares it a manifest: the image is refused`;
    throw new DimgxError('DIMGX_IMAGE_BAD_JSON', message);
  }
  return { ...parseManifest(bytes, digest), digest, bytes };
}

interface ReadManifest {
  readonly manifest: Manifest;
  /** What is malformed in it without changing what is read; printable. */
  readonly oddities: readonly string[];
}

/** @throws DIMGX_IMAGE_BAD_JSON */
export function parseManifest(bytes: Uint8Array, what: string): ReadManifest {
  const { value, oddity } = parseTolerantly(bytes, MANIFEST, what);
  return { manifest: value, oddities: oddity === undefined ? [] : [oddity] };
}
