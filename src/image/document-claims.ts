import { isObject, tryParseJson } from '../base/text/go-json.js';
import { algorithmOf, isDigest } from '../reference/digest.js';
import { digestOf } from './checks.js';
import type { ImageDocuments } from './image.js';

/** What is said of a document elsewhere, and what it is. The claim holds if both are the same. */
export interface DocumentClaim {
  readonly document: 'manifest' | 'config';
  readonly claim: 'digest' | 'size';
  /** A digest, or a number of bytes. */
  readonly told: string;
  readonly found: string;
}

/** What names an image. */
interface ImageNames {
  readonly id: string;
  readonly manifestDigest?: string | undefined;
  readonly layers: readonly { readonly diffId?: string | undefined }[];
  /** Absent: it is not known. */
  readonly source?: { readonly transport: string } | undefined;
}

/**
 * What can be held against the documents of an image, in the bytes of its source: the digest of the manifest, the ID of
 * the image as the digest of its config, and the sizes that the index and the manifest state.
 */
export function documentClaims(
  image: ImageNames,
  { manifest, index, config }: ImageDocuments,
): readonly DocumentClaim[] {
  const claims: DocumentClaim[] = [];
  const add = (document: DocumentClaim['document'], bytes: Uint8Array, told: string, size: unknown) => {
    if (isDigest(told)) claims.push({ document, claim: 'digest', told, found: digestOf(bytes, algorithmOf(told)) });
    if (isSize(size)) claims.push({ document, claim: 'size', told: String(size), found: String(bytes.length) });
  };
  const ownManifest = objectIn(manifest);
  const { manifestDigest = '' } = image;
  if (manifest && ownManifest) add('manifest', manifest, manifestDigest, sizeInIndex(index, manifestDigest));
  // Before layers had diff IDs, the ID of an image was no digest.
  const isOld = image.layers.every(({ diffId }) => diffId === undefined) && !isObject(objectIn(config)?.rootfs);
  if (!config || isOld) return claims;
  const descriptor = ownManifest?.config;
  const { digest, size } = isObject(descriptor) ? descriptor : {};
  if (isNamedByConfig(image, config)) add('config', config, digestOfId(image.id), undefined);
  if (typeof digest === 'string') {
    const isTold = claims.some(({ document, told }) => document === 'config' && told === digest);
    add('config', config, isTold ? '' : digest, size);
  }
  return claims;
}

/** What a manifest says of its layers, unchecked. @returns `undefined` if it lists images instead, as `docker save` does */
export function layersInManifest(
  manifest: Uint8Array,
): readonly { readonly digest?: unknown; readonly size?: unknown }[] | undefined {
  const layers = objectIn(manifest)?.layers;
  return Array.isArray(layers) ? layers.map((layer) => (isObject(layer) ? layer : {})) : undefined;
}

/** An engine that keeps its images in containerd names them by the digest of a manifest or an index. */
function isNamedByConfig({ id, manifestDigest, source }: ImageNames, config: Uint8Array): boolean {
  const told = digestOfId(id);
  const isOther = told === manifestDigest || !source || source.transport === 'docker-daemon';
  return isDigest(told) && (!isOther || digestOf(config, algorithmOf(told)) === told);
}

const ALGORITHMS: Readonly<Record<number, string>> = { 64: 'sha256', 96: 'sha384', 128: 'sha512' };

function digestOfId(id: string): string {
  return `${ALGORITHMS[id.length]}:${id}`;
}

function sizeInIndex(index: Uint8Array | undefined, digest: string): unknown {
  const manifests = objectIn(index)?.manifests;
  const found = Array.isArray(manifests) && manifests.find((each) => isObject(each) && each.digest === digest);
  return isObject(found) ? found.size : undefined;
}

function isSize(size: unknown): size is number {
  return Number.isSafeInteger(size) && Number(size) >= 0;
}

function objectIn(bytes: Uint8Array | undefined): Readonly<Record<string, unknown>> | undefined {
  const value = bytes && tryParseJson(new TextDecoder().decode(bytes));
  return isObject(value) ? value : undefined;
}
