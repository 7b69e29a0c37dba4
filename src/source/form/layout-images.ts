import { DimgxError } from '../../errors.js';
import type { Blobs } from '../../image/blobs.js';
import type { Descriptor } from '../../image/manifest.js';
import type { Looked } from '../choose/choose-by-documents.js';
import { type Examined, examineManifest, isWhole, ownProblem, withProblem } from '../choose/examine-manifest.js';
import { isImageKind, kindOfDescriptor, mayBeIndex } from '../choose/manifest-kind.js';
import { leavesOf } from '../choose/manifest-leaves.js';
import type { LayoutImage } from './oci-layout.js';

/**
 * Leaves out anything that is not an image by its descriptor, and anything that one of the remaining indexes leads to.
 */
export async function likelyImages(images: readonly LayoutImage[], store: Blobs): Promise<readonly LayoutImage[]> {
  if (images.length < 2) return images;
  const claimed = images.filter(({ descriptor }) => isImageKind(kindOfDescriptor(descriptor)));
  if (claimed.length < 2) return claimed.length > 0 ? claimed : images;
  const below = new Set<string>();
  for (const { descriptor } of claimed.filter((image) => mayBeIndex(image.descriptor))) {
    const leaves = await ownProblem(descriptor, () => leavesOf([descriptor], store));
    if (leaves instanceof DimgxError) continue;
    for (const leaf of leaves) {
      if (leaf.descriptor === descriptor) continue;
      // The last index on the path is this one.
      for (const digest of [leaf.descriptor.digest, ...leaf.indexes.slice(0, -1)]) below.add(digest);
    }
  }
  const top = claimed.filter(({ descriptor }) => !below.has(descriptor.digest));
  return top.length > 0 ? top : claimed;
}

/** What the documents of an image in a layout say. */
export async function lookAtImage(image: LayoutImage, store: Blobs): Promise<Looked> {
  const { descriptor } = image;
  const index = mayBeIndex(descriptor) && (await lookIntoIndex(descriptor, store));
  if (index) return index;
  const seen = await examineManifest(descriptor, store);
  return { seen, platforms: seen.platform ? [seen.platform] : [] };
}

/**
 * An index is as whole as the best of its images; the others may be missing.
 *
 * @returns `undefined` for a manifest, and for a document that cannot be read and is not declared to be an index
 */
async function lookIntoIndex(descriptor: Descriptor, store: Blobs): Promise<Looked | undefined> {
  const index: Examined = { digest: descriptor.digest, kind: 'index', missing: [] };
  const leaves = await ownProblem(descriptor, () => leavesOf([descriptor], store));
  if (leaves instanceof DimgxError)
    return { seen: { ...index, ...withProblem(leaves, descriptor.digest) }, platforms: [] };
  if (leaves[0]?.descriptor === descriptor && descriptor.mediaType === '') return undefined;
  const inside: Examined[] = [];
  for (const leaf of leaves) {
    if (leaf.problem) inside.push({ ...index, ...withProblem(leaf.problem, leaf.descriptor.digest) });
    else inside.push(await examineManifest(leaf.descriptor, store));
  }
  const images = inside.filter(({ kind }) => isImageKind(kind));
  const best = images.find(isWhole) ?? images[0];
  if (!best && inside[0]) return { seen: { ...index, kind: inside[0].kind }, platforms: [] };
  const { problem, missing } = best ?? index;
  const platforms = images.flatMap(({ platform }) => platform ?? []);
  return { seen: { ...index, missing, ...(problem && { problem }) }, platforms };
}
