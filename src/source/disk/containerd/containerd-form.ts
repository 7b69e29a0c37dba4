import { DimgxError } from '../../../errors.js';
import { matchingImages, realNames } from '../../../image/choose/choose-image.js';
import { listManifest } from '../../../image/choose/list-manifest.js';
import type { ListedImage } from '../../../image/image.js';
import type { Descriptor } from '../../../image/manifest.js';
import { type Digest, hexOf, isDigest } from '../../../reference/digest.js';
import { BlobStore, type Documents } from '../../form/documents.js';
import type { Form, FormRequest, FoundImage, FoundLayer } from '../../form/form.js';
import { findInLayout, type LayoutImage } from '../../form/layout-images.js';
import { blobPath } from '../../form/manifest-digests.js';
import type { Usage } from '../../source.js';
import { isManifestDocument } from './containerd-blobs.js';
import type { ContainerdName } from './containerd-meta.js';

/** An image of a store, with all names that it has there. */
interface ContainerdImage extends LayoutImage {
  readonly number: number;
  /** Its names as tags: without the namespace. */
  readonly tags: readonly string[];
  readonly entries: readonly ContainerdName[];
}

interface NamedImages {
  readonly usage: Usage;
  readonly names: readonly ContainerdName[];
  /** Whether names are shown with their namespace: `default/docker.io/library/alpine:3.20`. */
  readonly hasNamespaces: boolean;
  /** The repositories that blobs came from. */
  readonly originsOf: (digests: readonly Digest[]) => ReadonlyMap<Digest, readonly string[]>;
}

/** The images of containerd: an OCI layout, with its names in a database. @param selector of a list */
export function containerdForm(named: NamedImages, selector?: string): Form {
  const images = imagesOf(named);
  return {
    usages: [named.usage],
    marks: [],
    recognises: async () => true,
    find: (request) => find(images, named, request),
    list: (documents, verify) => list(selector === undefined ? images : meant(images, selector), documents, verify),
  };
}

/** Every image once. A name that is nothing but its digest is left out. */
function imagesOf({ names, hasNamespaces }: NamedImages): readonly ContainerdImage[] {
  const byDigest = new Map<string, ContainerdName[]>();
  for (const each of names) {
    const known = byDigest.get(each.target.digest);
    if (known) known.push(each);
    else byDigest.set(each.target.digest, [each]);
  }
  return [...byDigest.values()].map((entries, number) => {
    const { target } = entries[0] as ContainerdName;
    const digests = entries.flatMap(({ name }) => name.slice(name.lastIndexOf('@') + 1)).filter(isDigest);
    return {
      names: shownNames(entries, hasNamespaces),
      tags: shownNames(entries, false),
      ids: [idOf(target), ...digests.map(hexOf)] as const,
      number,
      descriptor: target,
      entries,
    };
  });
}

/** The names of an image that are more than its digest. */
export function shownNames(entries: readonly ContainerdName[], hasNamespaces: boolean): readonly string[] {
  const real = entries.filter(({ name }) => !/@|^sha256:[0-9a-f]*$/.test(name));
  return realNames(real.map((each) => (hasNamespaces ? fullName(each) : each.name)));
}

/** Those that a selector means: with the namespace of a name, or without. */
function meant(images: readonly ContainerdImage[], selector: string): readonly ContainerdImage[] {
  const slash = selector.indexOf('/');
  const [namespace, name] = [selector.slice(0, Math.max(0, slash)), selector.slice(slash + 1)];
  const inside = matching(images, name, (entry) => entry.namespace === namespace);
  return inside.length > 0 ? inside : matching(images, selector, () => true);
}

function matching(
  images: readonly ContainerdImage[],
  selector: string,
  isAsked: (entry: ContainerdName) => boolean,
): readonly ContainerdImage[] {
  const candidates = images.flatMap((image) => {
    const names = image.entries.filter(isAsked).map(({ name }) => name);
    return names.length > 0 ? [{ image, names, ids: image.ids, number: image.number }] : [];
  });
  return matchingImages(candidates, selector).map(({ image }) => image);
}

async function find(
  listed: readonly ContainerdImage[],
  { originsOf }: NamedImages,
  request: FormRequest,
): Promise<FoundImage> {
  const { documents, selector } = request;
  const matched = selector === undefined ? listed : meant(listed, selector);
  const named = matched.length > 0 || selector === undefined ? matched : await unnamed(selector, documents);
  const found = await findInLayout({ ...request, listed, matching: named, unlisted: withoutName });
  const layers: FoundLayer[] = [];
  const origins = originsOf(found.layers.flatMap(({ digest }) => digest ?? []));
  for (const layer of found.layers) layers.push(withOrigins(await withDiscarded(layer, documents), origins));
  return { ...found, layers };
}

/** A manifest or an index that has no name of its own, by its digest. */
async function unnamed(selector: string, documents: Documents): Promise<readonly LayoutImage[]> {
  const digest = selector.slice(selector.lastIndexOf('@') + 1);
  if (!isDigest(digest)) return [];
  const bytes = await documents.find(blobPath(digest));
  if (!bytes || !isManifestDocument(bytes)) return [];
  return [withoutName({ digest, mediaType: '', size: bytes.length, urls: [] })];
}

function withoutName(descriptor: Descriptor, ids: readonly string[] = []): LayoutImage {
  return { names: [], ids: [idOf(descriptor), ...ids], descriptor };
}

/** A malformed digest is refused only when the image is chosen. */
function idOf({ digest }: Descriptor): string {
  return isDigest(digest) ? hexOf(digest) : digest;
}

/** Containerd may remove the blobs of layers that it has unpacked. */
async function withDiscarded(layer: FoundLayer, documents: Documents): Promise<FoundLayer> {
  const { digest, problem, foreign, file } = layer;
  if (!digest || problem || foreign || (await documents.lengthOf(file)) !== undefined) return layer;
  const message = `the blob of the layer ${digest} is not in ${documents.files.location}: containerd discarded it after unpacking it (discard_unpacked_layers), or never had it; pull the image again`;
  return { ...layer, problem: new DimgxError('DIMGX_SOURCE_MISSING_BLOB', message, { options: ['blobs'] }) };
}

function withOrigins(layer: FoundLayer, repositories: ReadonlyMap<Digest, readonly string[]>): FoundLayer {
  const { digest } = layer;
  const origins = digest && repositories.get(digest)?.map((repository) => ({ repository, digest }));
  return origins ? { ...layer, origins } : layer;
}

/** Containerd pulls one platform of an index: of the others, it has not even the manifests. These are left out. */
async function list(
  images: readonly ContainerdImage[],
  documents: Documents,
  verify: boolean,
): Promise<readonly ListedImage[]> {
  const store = new BlobStore(documents, verify, blobPath);
  const all: ListedImage[] = [];
  for (const { descriptor, names, number } of images) {
    const [first, ...inside] = await listManifest(descriptor, names, store);
    const pulled = inside.filter(({ digest = '', missing }) => !missing.includes(digest));
    if (first && pulled.length === 0) all.push({ ...first, number }, ...inside);
    else if (first) all.push({ ...first, number, isWhole: pulled.every(({ isWhole }) => isWhole ?? true) }, ...pulled);
  }
  return all;
}

function fullName({ namespace, name }: ContainerdName): string {
  return namespace === '' ? name : `${namespace}/${name}`;
}
