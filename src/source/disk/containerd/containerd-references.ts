import { formatSize } from '../../../base/limits.js';
import { DimgxError } from '../../../errors.js';
import { type Digest, isDigest } from '../../../reference/digest.js';
import { type BoltBucket, readBolt } from '../database/bolt.js';
import type { StoreFiles } from '../store-files.js';
import { bucketsIn, containerdDatabase } from './containerd-meta.js';

/** What something refers to, so that containerd keeps it. */
export interface References {
  readonly blobs: readonly Digest[];
  /** `SNAPSHOTTER/KEY`. */
  readonly snapshots: readonly string[];
}

/** What containerd keeps in a namespace, and why. */
export interface NamespaceReferences {
  readonly namespace: string;
  /** What blobs refer to, by their labels. Those that refer to nothing are left out. */
  readonly ofBlobs: ReadonlyMap<string, References>;
  /** What is kept without an image: for a client that holds a lease, such as a build cache or a download. */
  readonly held: References;
}

/** Limit of all references together, in bytes, and what one takes besides its text. */
const [MAX_REFERENCES, LEAST] = [64 * 2 ** 20, 64];

/**
 * What containerd's collector of garbage goes by. Source: containerd, metadata/gc.go, metadata/buckets.go.
 *
 * @param top the folder of containerd: empty, or with a slash at its end
 * @param now leases that have expired by then hold nothing
 * @returns none if there is no database
 * @throws as `readBolt`; DIMGX_IMAGE_DOCUMENT_TOO_LARGE
 */
export function containerdReferences(files: StoreFiles, top: string, now: Date): readonly NamespaceReferences[] {
  const read = (root: BoltBucket) => {
    const count = counter();
    return [...bucketsIn(root.bucket('v1'))].map(([namespace, bucket]): NamespaceReferences => {
      const ofBlobs = new Map<string, References>();
      const held: Found = { blobs: [], snapshots: [] };
      for (const [digest, blob] of bucketsIn(bucket.bucket('content', 'blob'))) {
        const labels = blob.bucket('labels');
        const found: Found = { blobs: [], snapshots: [] };
        addLabels(found, labels, count);
        if (found.blobs.length + found.snapshots.length > 0) ofBlobs.set(digest, found);
        if (labels?.value(ROOT) && isDigest(digest)) held.blobs.push(count(digest));
      }
      for (const [snapshotter, snapshots] of bucketsIn(bucket.bucket('snapshots'))) {
        for (const [key, snapshot] of bucketsIn(snapshots)) {
          const labels = snapshot.bucket('labels');
          if (labels?.value(ROOT)) held.snapshots.push(count(`${snapshotter}/${key}`));
          // Whether the snapshot itself is kept is not asked: what it refers to is rarely anything.
          addLabels(held, labels, count);
        }
      }
      for (const name of ['images', 'containers']) {
        for (const [, each] of bucketsIn(bucket.bucket(name))) addLabels(held, each.bucket('labels'), count);
      }
      for (const [, lease] of bucketsIn(bucket.bucket('leases'))) {
        if (!hasExpired(lease, now)) addLease(held, lease, count);
      }
      return { namespace, ofBlobs, held };
    });
  };
  return readBolt(files, containerdDatabase(top), read) ?? [];
}

const ROOT = 'containerd.io/gc.root';
const CONTENT = /^containerd\.io\/gc\.ref\.content(?:[./]|$)/;
const SNAPSHOT = /^containerd\.io\/gc\.ref\.snapshot\.([^/]+)(?:\/|$)/;

interface Found {
  readonly blobs: Digest[];
  readonly snapshots: string[];
}

type Count = <T extends string>(text: T) => T;

/** Passes texts on until they are too many. */
function counter(): Count {
  let size = 0;
  return (text) => {
    size += LEAST + text.length;
    if (size > MAX_REFERENCES) throw tooMany();
    return text;
  };
}

function addLabels({ blobs, snapshots }: Found, labels: BoltBucket | undefined, count: Count): void {
  for (const { key, value } of labels?.entries() ?? []) {
    if (!Buffer.isBuffer(value)) continue;
    const label = key.toString();
    const text = value.toString();
    const snapshotter = SNAPSHOT.exec(label)?.[1];
    if (CONTENT.test(label) && isDigest(text)) blobs.push(count(text));
    if (snapshotter !== undefined) snapshots.push(count(`${snapshotter}/${text}`));
  }
}

function addLease({ blobs, snapshots }: Found, lease: BoltBucket, count: Count): void {
  for (const { key } of lease.bucket('content')?.entries() ?? []) {
    const digest = key.toString();
    if (isDigest(digest)) blobs.push(count(digest));
  }
  for (const [snapshotter, keys] of bucketsIn(lease.bucket('snapshots'))) {
    for (const { key } of keys.entries()) snapshots.push(count(`${snapshotter}/${key.toString()}`));
  }
}

/** A download has a lease of a day, which is not removed if the download is interrupted. */
function hasExpired(lease: BoltBucket, now: Date): boolean {
  const expiry = Date.parse(lease.bucket('labels')?.value('containerd.io/gc.expire')?.toString() ?? '');
  return expiry < now.getTime();
}

function tooMany(): DimgxError {
  const message = `the database of containerd has more than ${formatSize(MAX_REFERENCES)} of references: the storage is refused`;
  return new DimgxError('DIMGX_IMAGE_DOCUMENT_TOO_LARGE', message);
}
