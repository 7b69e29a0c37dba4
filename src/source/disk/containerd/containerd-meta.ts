import { formatSize } from '../../../base/limits.js';
import { quoted } from '../../../base/text/printable.js';
import { DimgxError } from '../../../errors.js';
import type { Descriptor } from '../../../image/manifest.js';
import { type Digest, isDigest } from '../../../reference/digest.js';
import { type BoltBucket, readBolt } from '../database/bolt.js';
import type { StoreFiles } from '../store-files.js';

/** Below the folder of containerd. */
const DATABASE = 'io.containerd.metadata.v1.bolt/meta.db';

/** The path of the database. @param top the folder of containerd: empty, or with a slash at its end */
export function containerdDatabase(top: string): string {
  return `${top}${DATABASE}`;
}

/** Limit of all names together, in bytes, and the least that one counts for. */
const [MAX_NAMES, LEAST_NAME] = [64 * 2 ** 20, 256];

/** A name that containerd has for an image. */
export interface ContainerdName {
  readonly namespace: string;
  /** Usually full: `docker.io/library/alpine:3.20`. */
  readonly name: string;
  /** What it names: a manifest or an index. The digest is unchecked text. */
  readonly target: Descriptor;
}

/**
 * The names of all images, by namespace and then by name. Source: containerd, metadata/buckets.go, metadata/images.go.
 *
 * @param top the folder of containerd: empty, or with a slash at its end
 * @returns `undefined` if there is no database
 * @throws as `readBolt`; DIMGX_IMAGE_DOCUMENT_TOO_LARGE
 */
export function containerdNames(files: StoreFiles, top: string): readonly ContainerdName[] | undefined {
  return readBolt(files, containerdDatabase(top), (root) => {
    const found: ContainerdName[] = [];
    let size = 0;
    for (const [namespace, bucket] of bucketsIn(root.bucket('v1'))) {
      for (const [name, image] of bucketsIn(bucket.bucket('images'))) {
        size += Math.max(LEAST_NAME, namespace.length + name.length);
        if (size > MAX_NAMES) throw tooManyNames();
        const target = targetOf(image);
        if (target) found.push({ namespace, name, target });
      }
    }
    return found;
  });
}

/**
 * The registries that blobs came from, as their labels say.
 *
 * @returns for each digest with such labels: `HOST/REPOSITORY`, in the order of the hosts
 * @throws as `readBolt`
 */
export function containerdOrigins(
  files: StoreFiles,
  top: string,
  digests: readonly Digest[],
): ReadonlyMap<Digest, readonly string[]> {
  const read = (root: BoltBucket) => {
    const namespaces = [...bucketsIn(root.bucket('v1'))].map(([, bucket]) => bucket.bucket('content', 'blob'));
    return new Map(
      digests.flatMap((digest) => {
        const origins = namespaces.flatMap((blobs) => originsIn(blobs?.bucket(digest, 'labels')));
        return origins.length > 0 ? [[digest, [...new Set(origins)]] as const] : [];
      }),
    );
  };
  return readBolt(files, containerdDatabase(top), read) ?? new Map();
}

/**
 * The config of an image, by the newest snapshot that it was unpacked into. Source: containerd, pkg/unpack/unpacker.go.
 *
 * @param chainId key of that snapshot
 * @returns its digest, if there is such an image
 * @throws as `readBolt`
 */
export function containerdConfig(
  files: StoreFiles,
  top: string,
  { namespace, snapshotter }: { readonly namespace: string; readonly snapshotter: string },
  chainId: Digest,
): Digest | undefined {
  return readBolt(files, containerdDatabase(top), (root) => {
    const label = `containerd.io/gc.ref.snapshot.${snapshotter}`;
    for (const [digest, blob] of bucketsIn(root.bucket('v1', namespace, 'content', 'blob'))) {
      if (isDigest(digest) && blob.bucket('labels')?.value(label)?.toString() === chainId) return digest;
    }
    return undefined;
  });
}

const ORIGIN = 'containerd.io/distribution.source.';
/** Longest label, in bytes, key and value together. Source: containerd, pkg/labels/validate.go. */
const MAX_LABEL = 4096;

/** One label for each registry, with the repositories after one another. Source: containerd, docker/handler.go. */
function originsIn(labels: BoltBucket | undefined): readonly string[] {
  const origins: string[] = [];
  for (const { key, value } of labels?.entries() ?? []) {
    const label = key.toString();
    if (!label.startsWith(ORIGIN) || !Buffer.isBuffer(value) || key.length + value.length > MAX_LABEL) continue;
    const host = label.slice(ORIGIN.length);
    for (const repository of value.toString().split(',')) if (repository !== '') origins.push(`${host}/${repository}`);
  }
  return origins;
}

/** The buckets in a bucket, with their keys. */
export function* bucketsIn(
  bucket: BoltBucket | undefined,
): Generator<readonly [name: string, bucket: BoltBucket], void, void> {
  for (const { key, value } of bucket?.entries() ?? []) {
    if (!Buffer.isBuffer(value)) yield [key.toString(), value];
  }
}

/** @returns `undefined` if it has none, as while it is being created */
function targetOf(image: BoltBucket): Descriptor | undefined {
  const target = image.bucket('target');
  const digest = target?.value('digest')?.toString('latin1');
  if (!target || digest === undefined) return undefined;
  const size = varint(target.value('size'));
  return { digest, mediaType: target.value('mediatype')?.toString() ?? '', size, urls: [] };
}

/**
 * A signed number: seven bits in each byte, lowest first, and the sign in the lowest bit. Source: Go, encoding/binary.
 *
 * @returns `null` if it is missing, malformed or negative
 */
function varint(bytes: Buffer | undefined): number | null {
  let [value, factor] = [0, 1];
  for (const byte of bytes?.subarray(0, 10) ?? []) {
    value += (byte & 0x7f) * factor;
    factor *= 0x80;
    if (byte < 0x80) return value % 2 === 0 && Number.isSafeInteger(value) ? value / 2 : null;
  }
  return null;
}

function tooManyNames(): DimgxError {
  const message = `${quoted(DATABASE)} has more than ${formatSize(MAX_NAMES)} of names: the storage is refused`;
  return new DimgxError('DIMGX_IMAGE_DOCUMENT_TOO_LARGE', message);
}
