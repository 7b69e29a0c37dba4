import { DimgxError } from '../errors.js';
import { parseConfig } from '../image/config.js';
import type { Digest } from '../image/digest.js';
import { parseDocument } from '../image/document.js';
import {
  type Descriptor,
  INDEX_TYPES,
  IndexSchema,
  KindSchema,
  type Manifest,
  ManifestSchema,
} from '../image/manifest.js';
import { choosePlatform, formatPlatform, type Platform, platformOf } from '../image/platform.js';
import { quoted } from '../image/printable.js';
import type { Blobs, Document } from './blob-store.js';

/** An image's manifest, out of an index where there is one. */
export interface ImageManifest {
  readonly manifest: Manifest;
  readonly digest: Digest;
  /** An index says that it is for the platform. */
  readonly isForPlatform: boolean;
}

/** A manifest that an index leads to, perhaps through others. */
export interface Leaf {
  readonly descriptor: Descriptor;
  /** Digests of the indexes on the way, the nearest first. */
  readonly indexes: readonly string[];
}

const MAX_DEPTH = 8;
/** Of all indexes together; far above any, and few enough to be held. */
const MAX_LEAVES = 10_000;
const MAX_LISTED = 20;

/**
 * Reads a manifest, or the one for the platform when the document is an index.
 *
 * @param what the document's name, printable
 * @throws DIMGX_IMAGE_TOO_LARGE, DIMGX_SOURCE_NO_PLATFORM, DIMGX_SOURCE_NOT_AN_IMAGE, DIMGX_IMAGE_BAD_JSON; what `Blobs.manifest` throws
 */
export async function imageManifest(
  document: Document,
  what: string,
  platform: Platform,
  store: Blobs,
): Promise<ImageManifest> {
  const { bytes, digest } = document;
  if (kindOf(bytes, what) === 'manifest')
    return { manifest: parseDocument(bytes, ManifestSchema, what), digest, isForPlatform: false };
  const { manifests } = parseDocument(bytes, IndexSchema, what);
  return manifestForPlatform(await leavesOf(manifests, store), what, platform, store);
}

/** @throws as `imageManifest` */
export async function manifestForPlatform(
  leaves: readonly Leaf[],
  what: string,
  platform: Platform,
  store: Blobs,
): Promise<ImageManifest> {
  const chosen = await chooseLeaf(leaves, platform, store);
  if (!chosen) throw noPlatform(leaves, what, platform);
  const { bytes, digest } = await store.manifest(chosen.descriptor);
  if (kindOf(bytes, digest) === 'index') throw tooDeep(digest);
  return { manifest: parseDocument(bytes, ManifestSchema, digest), digest, isForPlatform: true };
}

/** All images of an index and of the indexes in it; attestations are not images. An index is read once. */
export async function leavesOf(
  descriptors: readonly Descriptor[],
  store: Blobs,
  indexes: readonly string[] = [],
  seen: Set<string> = new Set(),
): Promise<readonly Leaf[]> {
  const leaves: Leaf[] = [];
  for (const descriptor of descriptors) {
    if (isAttestation(descriptor)) continue;
    if (!INDEX_TYPES.includes(descriptor.mediaType)) {
      leaves.push({ descriptor, indexes });
      continue;
    }
    if (seen.has(descriptor.digest)) continue;
    if (indexes.length >= MAX_DEPTH) throw tooDeep(descriptor.digest);
    seen.add(descriptor.digest);
    const { bytes, digest } = await store.manifest(descriptor);
    if (kindOf(bytes, digest) !== 'index') {
      leaves.push({ descriptor, indexes });
      continue;
    }
    const { manifests } = parseDocument(bytes, IndexSchema, digest);
    for (const leaf of await leavesOf(manifests, store, [digest, ...indexes], seen)) leaves.push(leaf);
    if (leaves.length > MAX_LEAVES) throw tooMany(digest);
  }
  return leaves;
}

/** BuildKit files provenance and SBOMs beside images. Source: BuildKit, docs/attestations/attestation-storage.md. */
export function isAttestation({ annotations, platform }: Descriptor): boolean {
  if (annotations && Object.hasOwn(annotations, 'vnd.docker.reference.type')) return true;
  return platform?.os === 'unknown' && platform.architecture === 'unknown';
}

/**
 * A document that could be read as both has led readers apart before (CVE-2021-41190): refused.
 *
 * @throws DIMGX_SOURCE_NOT_AN_IMAGE, DIMGX_IMAGE_BAD_JSON
 */
function kindOf(bytes: Uint8Array, what: string): 'manifest' | 'index' {
  const { schemaVersion, mediaType, manifests, layers, config, fsLayers } = parseDocument(bytes, KindSchema, what);
  if (schemaVersion === 1 || fsLayers !== undefined) {
    throw new DimgxError(
      'DIMGX_SOURCE_NOT_AN_IMAGE',
      `${what} is a manifest of schema 1, which engines no longer read: convert it, like skopeo copy --format v2s2`,
    );
  }
  const isIndex = manifests !== undefined || INDEX_TYPES.includes(mediaType);
  if (isIndex && (layers !== undefined || config !== undefined)) {
    throw new DimgxError('DIMGX_IMAGE_BAD_JSON', `${what} is a manifest and an index at once: the image is refused`);
  }
  return isIndex ? 'index' : 'manifest';
}

async function chooseLeaf(leaves: readonly Leaf[], wanted: Platform, store: Blobs): Promise<Leaf | undefined> {
  const declared = choosePlatform(wanted, leaves, ({ descriptor }) => declaredPlatform(descriptor));
  if (declared) return declared;
  const silent = leaves.filter(({ descriptor }) => !declaredPlatform(descriptor));
  if (leaves.length === 1 && silent.length === 1) return silent[0];
  const known: { readonly leaf: Leaf; readonly platform: Platform | undefined }[] = [];
  for (const leaf of silent) known.push({ leaf, platform: await configuredPlatform(leaf, store) });
  return choosePlatform(wanted, known, ({ platform }) => platform)?.leaf;
}

function declaredPlatform({ platform }: Descriptor): Platform | undefined {
  return platformOf(platform);
}

/** Where the index does not say it, the config does. */
async function configuredPlatform({ descriptor }: Leaf, store: Blobs): Promise<Platform | undefined> {
  const { bytes, digest } = await store.manifest(descriptor);
  if (kindOf(bytes, digest) === 'index') return undefined;
  const { config } = parseDocument(bytes, ManifestSchema, digest);
  return parseConfig((await store.config(config)).bytes, quoted(config.digest)).platform;
}

function noPlatform(leaves: readonly Leaf[], what: string, wanted: Platform): DimgxError {
  const offered = leaves.map(({ descriptor }) => declaredPlatform(descriptor));
  const names = [
    ...new Set(offered.map((platform) => (platform ? formatPlatform(platform) : 'one that is not named'))),
  ];
  const listed = names.slice(0, MAX_LISTED).join(', ') || 'no image at all';
  return new DimgxError(
    'DIMGX_SOURCE_NO_PLATFORM',
    `${what} has no image for ${formatPlatform(wanted)}; choose with --platform of what it has: ${listed}`,
  );
}

function tooMany(digest: string): DimgxError {
  return new DimgxError('DIMGX_IMAGE_TOO_LARGE', `up to the index ${digest} there are over ${MAX_LEAVES} manifests`);
}

function tooDeep(digest: string): DimgxError {
  return new DimgxError('DIMGX_IMAGE_BAD_JSON', `indexes are nested more than ${MAX_DEPTH} deep at ${quoted(digest)}`);
}
