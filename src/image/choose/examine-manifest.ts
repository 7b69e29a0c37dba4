import { MAX_DOCUMENT } from '../../base/limits.js';
import { quoted } from '../../base/text/printable.js';
import { DimgxError } from '../../errors.js';
import { hexOf, parseDigest } from '../../reference/digest.js';
import { parseConfig } from '../config.js';
import type { ListedImage } from '../image.js';
import { type Blobs, type Descriptor, isForeign, type Manifest } from '../manifest.js';
import { type Platform, platformOf } from '../platform.js';
import { isManifest, kindOfDescriptor, kindOfManifest, type ManifestKind } from './manifest-kind.js';
import { readManifest } from './read-manifest.js';

/** What the documents of an image, or of something stored beside images, say. */
export interface Examined {
  readonly kind: ManifestKind;
  /** Digest of the manifest; in Docker archives, of the config. Text from the image. */
  readonly digest: string;
  /** From the descriptor, or else from the config. */
  readonly platform?: Platform;
  /** Digest of the config: 64 hex digits. */
  readonly id?: string;
  /** Total size of config and layers as stored, in bytes. */
  readonly size?: number;
  /** Digests or paths that are missing: the first few. */
  readonly missing: readonly string[];
  /** Why its documents cannot be read. */
  readonly problem?: DimgxError;
  /** Whether its layers exist has not been checked. */
  readonly isUnseen?: true;
}

/** A manifest that has been examined. */
export interface ExaminedManifest extends Examined {
  readonly descriptor: Descriptor;
}

export const MAX_MISSING = 3;

/** Codes of errors that concern one manifest; the others may be sound. */
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
 * Reads a manifest and, for an image, its config. Checks whether the layers exist. Problems with any of them are in the
 * result.
 *
 * @throws problems of the source as a whole
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

/** Makes a list entry. @param more facts known from elsewhere */
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

/** Whether nothing that it needs is known to be missing or damaged. */
export function isWhole({ problem, missing }: Examined): boolean {
  return !problem && missing.length === 0;
}

/** Like `isWhole`, but `undefined` if that has not been checked. */
export function knownWhole(examined: Examined): boolean | undefined {
  return examined.isUnseen && isWhole(examined) ? undefined : isWhole(examined);
}

/** Whether something that is present is damaged. */
export function isDamaged({ problem, missing }: Examined): boolean {
  return problem !== undefined && missing.length === 0;
}

/** @returns the error, if it concerns only the document being read */
export async function ownProblem<T>(
  { size }: Pick<Descriptor, 'size'>,
  read: () => Promise<T>,
): Promise<T | DimgxError> {
  try {
    return await read();
  } catch (failure) {
    if (!(failure instanceof DimgxError)) throw failure;
    // A document that is too large is passed over. If all documents together are too large, nothing more is read.
    const isTooLarge = failure.code === 'DIMGX_IMAGE_DOCUMENT_TOO_LARGE';
    const isOwn = isTooLarge ? size == null || size > MAX_DOCUMENT : OWN_PROBLEMS.includes(failure.code);
    if (!isOwn) throw failure;
    return failure;
  }
}

/** In bytes; `undefined` if one of the descriptors has no size. */
function totalSize(descriptors: readonly Descriptor[]): number | undefined {
  let total = 0;
  for (const { size } of descriptors) {
    if (size == null) return undefined;
    total += size;
  }
  return total;
}

/** What an error that concerns a single document says about its image. */
export function withProblem(problem: DimgxError, digest: string): Pick<Examined, 'problem' | 'missing'> {
  return { problem, missing: problem.code === 'DIMGX_SOURCE_MISSING_BLOB' ? [digest] : [] };
}

async function readConfig(descriptor: Descriptor, store: Blobs) {
  const { bytes, digest } = await store.config(descriptor);
  return { platform: parseConfig(bytes, quoted(digest)).platform, id: hexOf(digest) };
}

/** Layers that may not be redistributed are not expected to be there. */
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
