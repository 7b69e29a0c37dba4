import { parseDigest } from '../../reference/digest.js';
import type { ListedImage } from '../image.js';
import { type Blobs, type Descriptor, type Document, INDEX_TYPES } from '../manifest.js';
import { examineManifest, listedImage, ownProblem } from './examine-manifest.js';
import { isManifest, kindOfDescriptor, mayBeIndex } from './manifest-kind.js';
import { type Leaf, leavesOf } from './manifest-leaves.js';
import { documentKind } from './read-manifest.js';

/**
 * A manifest as a list entry; an index, followed by everything that it leads to.
 *
 * @param names names of the manifest, and of everything that the index leads to
 */
export async function listManifest(
  descriptor: Descriptor,
  names: readonly string[],
  store: Blobs,
): Promise<readonly ListedImage[]> {
  const isPlain = kindOfDescriptor(descriptor) !== 'index' && !mayBeIndex(descriptor);
  if (isPlain) return [await listLeaf({ descriptor, indexes: [] }, names, store)];
  const leaves = await leavesOf([descriptor], store, [], new Set(), () => false);
  const [first] = leaves;
  // A document that cannot be read is not known to be an index.
  if (first?.descriptor === descriptor) return [await listLeaf(first, names, store)];
  const inside: ListedImage[] = [];
  for (const leaf of leaves) inside.push(await listLeaf(leaf, names, store));
  const isWhole = inside.every((image) => image.isWhole ?? true);
  const index = { names, kind: 'index', digest: descriptor.digest, missing: [], ...(store.isNear && { isWhole }) };
  return [index, ...inside];
}

/** Does the same for a document that has been read. */
export async function listDocument(
  { bytes, digest }: Document,
  names: readonly string[],
  store: Blobs,
): Promise<readonly ListedImage[]> {
  const kind = documentKind(bytes, digest);
  const mediaType = kind === 'index' ? (INDEX_TYPES[0] as string) : '';
  const read: Blobs = {
    isNear: store.isNear,
    manifest: async (wanted) => (wanted.digest === digest ? { bytes, digest } : store.manifest(wanted)),
    config: (wanted) => store.config(wanted),
    blobPath: (wanted) => store.blobPath(wanted),
    has: (wanted) => store.has(wanted),
  };
  return listManifest({ mediaType, digest, size: bytes.length, urls: [] }, names, read);
}

async function listLeaf(
  { descriptor, indexes, problem }: Leaf,
  names: readonly string[],
  store: Blobs,
): Promise<ListedImage> {
  const [index] = indexes;
  const more = { names, ...(index !== undefined && { index }) };
  if (problem) {
    const missing = problem.code === 'DIMGX_SOURCE_MISSING_BLOB' ? [descriptor.digest] : [];
    return listedImage({ digest: descriptor.digest, kind: kindOfDescriptor(descriptor), missing, problem }, more);
  }
  const examined = await (isManifest(descriptor) ? examineManifest(descriptor, store) : unread(descriptor, store));
  return listedImage(examined, more);
}

/** A blob that an index lists as if it were a manifest. */
async function unread(descriptor: Descriptor, store: Blobs) {
  const { digest, size } = descriptor;
  const isThere = await ownProblem(descriptor, async () => store.has(parseDigest(digest, 'a layer')));
  const missing = isThere === true ? [] : [digest];
  return {
    digest,
    ...(size != null && { size }),
    kind: kindOfDescriptor(descriptor),
    missing,
    ...(!store.isNear && { isUnseen: true as const }),
  };
}
