import { MAX_DOCUMENT } from '../../base/limits.js';
import { quoted } from '../../base/text/printable.js';
import { DimgxError } from '../../errors.js';
import type { Blobs } from '../../image/blobs.js';
import { parseConfig } from '../../image/config.js';
import type { ListedImage } from '../../image/listed-image.js';
import { type Descriptor, isForeign, type Manifest } from '../../image/manifest.js';
import { type Platform, platformOf } from '../../image/platform.js';
import { hexOf, parseDigest } from '../../reference/digest.js';
import { isManifest, kindOfDescriptor, kindOfManifest, type ManifestKind } from './manifest-kind.js';
import { readManifest } from './read-manifest.js';

/** What the documents of an image, or of what lies beside images, tell. */
export interface Examined {
  readonly kind: ManifestKind;
  /** Of the manifest; in archives of Docker, of the config. Text from the image. */
  readonly digest: string;
  /** As the descriptor says; where it says nothing, as the config does. */
  readonly platform?: Platform;
  /** Of the config: 64 hex digits. */
  readonly id?: string;
  /** Of config and layers as they are stored, in bytes. */
  readonly size?: number;
  /** What is not there, digests or paths: the first few. */
  readonly missing: readonly string[];
  /** Why its documents cannot be read. */
  readonly problem?: DimgxError;
  /** Nobody has looked for its layers. */
  readonly isUnseen?: true;
}

/** A manifest that was examined. */
export interface ExaminedManifest extends Examined {
  readonly descriptor: Descriptor;
}

export const MAX_MISSING = 3;

/** What may be wrong with one manifest while the others are sound. */
const OWN_PROBLEMS: readonly string[] = [
  'DIMGX_SOURCE_MISSING_BLOB',
  'DIMGX_SOURCE_BAD_MEMBER',
  'DIMGX_SOURCE_UNSAFE_PATH',
  'DIMGX_SOURCE_NOT_AN_IMAGE',
  'DIMGX_IMAGE_BAD_JSON',
  'DIMGX_IMAGE_BAD_DIGEST',
  'DIMGX_IMAGE_DIGEST_MISMATCH',
  'DIMGX_IMAGE_SIZE_MISMATCH',
];

/**
 * Reads a manifest and, of an image, its config, and looks whether the layers are there. What is wrong with them is in the
 * result.
 *
 * @throws what is wrong with the source as a whole
 */
export async function examineManifest(descriptor: Descriptor, store: Blobs): Promise<ExaminedManifest> {
  const { digest } = descriptor;
  const platform = platformOf(descriptor.platform);
  const claimed = {
    descriptor,
    digest,
    kind: kindOfDescriptor(descriptor),
    missing: [],
    ...(platform && { platform }),
    ...(!store.isNear && { isUnseen: true as const }),
  };
  if (!isManifest(descriptor)) return claimed;
  const found = await ownProblem(descriptor, () => readManifest(descriptor, store));
  if (found instanceof DimgxError) return { ...claimed, ...withProblem(found, descriptor.digest) };
  const { manifest } = found;
  const kind = claimed.kind === 'image' || claimed.kind === 'index' ? kindOfManifest(manifest) : claimed.kind;
  const size = totalSize([manifest.config, ...manifest.layers]);
  const read = { ...claimed, kind, ...(size !== undefined && { size }) };
  if (kind !== 'image' && kind !== 'referrer') return { ...read, missing: await missingBlobs(manifest, store) };
  const config = await ownProblem(manifest.config, () => readConfig(manifest.config, store));
  if (config instanceof DimgxError) return { ...read, ...withProblem(config, manifest.config.digest) };
  return {
    ...read,
    ...(!platform && config.platform && { platform: config.platform }),
    id: config.id,
    missing: await missingBlobs(manifest, store),
  };
}

/** As it is listed. @param more what is known from elsewhere */
export function listedImage(examined: Examined, more: Partial<ListedImage> = {}): ListedImage {
  const { kind, digest, platform, id, size, missing, problem } = examined;
  return {
    names: [],
    kind,
    digest,
    ...(platform && { platform }),
    ...(id !== undefined && { id }),
    ...(size !== undefined && { size }),
    ...(knownWhole(examined) !== undefined && { isWhole: isWhole(examined) }),
    missing,
    ...(problem && { problem: { code: problem.code, message: problem.message } }),
    ...more,
  };
}

/** Whether nothing that is needed of it is known to be absent or damaged. */
export function isWhole({ problem, missing }: Examined): boolean {
  return !problem && missing.length === 0;
}

/** The same; `undefined` when nobody has looked. */
export function knownWhole(examined: Examined): boolean | undefined {
  return examined.isUnseen && isWhole(examined) ? undefined : isWhole(examined);
}

/** Whether what is there of it is not as it should be. */
export function isDamaged({ problem, missing }: Examined): boolean {
  return problem !== undefined && missing.length === 0;
}

/** @returns the error, when it is about the one document that is read */
export async function ownProblem<T>(
  { size }: Pick<Descriptor, 'size'>,
  read: () => Promise<T>,
): Promise<T | DimgxError> {
  try {
    return await read();
  } catch (failure) {
    if (!(failure instanceof DimgxError)) throw failure;
    // One that is too large is passed over; after too many of them nothing more is read.
    const isTooLarge = failure.code === 'DIMGX_IMAGE_TOO_LARGE';
    const isOwn = isTooLarge ? size == null || size > MAX_DOCUMENT : OWN_PROBLEMS.includes(failure.code);
    if (!isOwn) throw failure;
    return failure;
  }
}

/** In bytes; `undefined` where one of the descriptors does not say. */
function totalSize(descriptors: readonly Descriptor[]): number | undefined {
  let total = 0;
  for (const { size } of descriptors) {
    if (size == null) return undefined;
    total += size;
  }
  return total;
}

/** What an error that is about one document alone says of its image. */
export function withProblem(problem: DimgxError, digest: string): Pick<Examined, 'problem' | 'missing'> {
  return { problem, missing: problem.code === 'DIMGX_SOURCE_MISSING_BLOB' ? [digest] : [] };
}

async function readConfig(descriptor: Descriptor, store: Blobs) {
  const { bytes, digest } = await store.config(descriptor);
  return { platform: parseConfig(bytes, quoted(digest)).platform, id: hexOf(digest) };
}

/** Layers that their maker does not let anybody hand on are not expected. */
async function missingBlobs({ config, layers }: Manifest, store: Blobs): Promise<readonly string[]> {
  const missing: string[] = [];
  if (!store.isNear) return missing;
  for (const descriptor of [config, ...layers]) {
    if (missing.length === MAX_MISSING) break;
    if (isForeign(descriptor)) continue;
    const isThere = await ownProblem(descriptor, () => store.has(parseDigest(descriptor.digest, 'a layer')));
    if (isThere !== true) missing.push(descriptor.digest);
  }
  return missing;
}
