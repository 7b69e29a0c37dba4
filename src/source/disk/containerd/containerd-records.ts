import * as v from 'valibot';
import { formatSize } from '../../../base/limits.js';
import { DimgxError } from '../../../errors.js';
import type { Container, ContainerMount } from '../../../image/container.js';
import { parseDocument } from '../../../image/document.js';
import { type BoltBucket, readBolt } from '../database/bolt.js';
import { isStoreId } from '../store.js';
import type { StoreFiles } from '../store-files.js';
import { bucketsIn, containerdDatabase } from './containerd-meta.js';
import type { SnapshotName } from './containerd-snapshots.js';
import { activeSnapshots } from './snapshot-records.js';

/** A container of containerd. What it is doing is not recorded on the disk. */
export interface ContainerdRecord {
  readonly container: Container;
  /** Where its changes are. */
  readonly snapshot: SnapshotName;
  /** Why its record cannot be read: the container cannot be opened. */
  readonly problem?: DimgxError;
  /** Set if nothing but the snapshot is known: no record names it, and Docker would not keep one elsewhere. */
  readonly isLost?: true;
}

/** Namespaces of Docker in containerd; with user namespaces, one for each. Source: moby, daemon/daemon_unix.go. */
export const DOCKER_NAMESPACE = /^moby(?:-\d+\.\d+)?$/;

/** Limit of what the database says about all containers, in bytes. */
const MAX_RECORDS = 256 * 2 ** 20;

/** The parts of an OCI runtime spec that are shown. Source: OCI runtime-spec, config.md. */
const SpecSchema = v.object({
  process: v.nullish(v.object({ args: v.nullish(v.array(v.string()), []) })),
  mounts: v.nullish(
    v.array(
      v.object({
        destination: v.string(),
        type: v.nullish(v.string(), ''),
        source: v.nullish(v.string(), ''),
        options: v.nullish(v.array(v.string()), []),
      }),
    ),
    [],
  ),
});

type Spec = v.InferOutput<typeof SpecSchema>;

/**
 * All containers, by namespace and then by ID; and the snapshots that are left of others. Source: containerd, metadata/containers.go.
 *
 * @param top the folder of containerd: empty, or with a slash at its end
 * @returns none if there is no database
 * @throws as `readBolt`; DIMGX_IMAGE_DOCUMENT_TOO_LARGE
 */
export function containerdRecords(files: StoreFiles, top: string): readonly ContainerdRecord[] {
  const read = (root: BoltBucket) => {
    const records: ContainerdRecord[] = [];
    let size = 0;
    for (const [namespace, bucket] of bucketsIn(root.bucket('v1'))) {
      for (const [id, record] of bucketsIn(bucket.bucket('containers'))) {
        const spec = record.value('spec') ?? Buffer.alloc(0);
        const labels = labelsIn(record.bucket('labels'));
        size += 1024 + spec.length + labels.reduce((sum, [key, text]) => sum + key.length + text.length, 0);
        if (size > MAX_RECORDS) throw tooMany();
        records.push(recordOf(namespace, id, record, Object.fromEntries(labels)));
      }
    }
    return records;
  };
  const records = readBolt(files, containerdDatabase(top), read) ?? [];
  const known = new Set(records.map(({ snapshot }) => idOf(snapshot)));
  const others = activeSnapshots(files, top).filter((snapshot) => !known.has(idOf(snapshot)));
  return [...records, ...others.map(leftOver)];
}

/** What is left of a container without a record. Of a stopped one, Docker keeps the record in its own folder. */
function leftOver(snapshot: SnapshotName): ContainerdRecord {
  const { namespace, key } = snapshot;
  const labels = { 'containerd/namespace': namespace };
  const isDockers = DOCKER_NAMESPACE.test(namespace) && isStoreId(key);
  const container = { id: key, names: [], status: 'unknown', mounts: [], labels } as const;
  return { container, snapshot, ...(!isDockers && { isLost: true }) };
}

function idOf({ namespace, snapshotter, key }: SnapshotName): string {
  return [namespace, snapshotter, key].join('/');
}

function recordOf(
  namespace: string,
  id: string,
  record: BoltBucket,
  labels: Readonly<Record<string, string>>,
): ContainerdRecord {
  const text = (key: string) => record.value(key)?.toString() ?? '';
  const [image, snapshotter, key] = [text('image'), text('snapshotter'), text('snapshotKey')];
  const created = goTime(record.value('createdat'));
  const { process, mounts } = specOf(record.value('spec'));
  const { args } = process ?? {};
  return {
    container: {
      id,
      names: namesIn(labels),
      ...(image && { image }),
      status: 'unknown',
      ...(created && { created }),
      ...(args && args.length > 0 && { command: args }),
      mounts: (mounts ?? []).flatMap(mountOf),
      labels: { 'containerd/namespace': namespace, ...labels },
    },
    snapshot: { namespace, snapshotter, key },
  };
}

/** nerdctl and Kubernetes name containers by labels. Source: nerdctl, pkg/labels; kubernetes, kubelet/types/labels.go. */
function namesIn(labels: Readonly<Record<string, string>>): readonly string[] {
  const of = (key: string) => (Object.hasOwn(labels, key) ? labels[key] : undefined);
  const pod = of('io.kubernetes.pod.name');
  const container = of('io.kubernetes.container.name') ?? (pod && 'POD');
  const inPod = pod && container ? [`${of('io.kubernetes.pod.namespace') ?? ''}/${pod}/${container}`, container] : [];
  return [of('nerdctl/name') ?? '', ...inPod].filter((name) => name !== '');
}

/** Only binds are of the host; the rest is the same for all containers. */
function mountOf({ destination, type, source, options }: NonNullable<Spec['mounts']>[number]): ContainerMount[] {
  const isBind = type === 'bind' || (options ?? []).some((option) => option === 'bind' || option === 'rbind');
  if (!isBind) return [];
  return [{ type: 'bind', ...(source && { source }), destination, isWritable: !(options ?? []).includes('ro') }];
}

/** @returns nothing if it is malformed, since it is only shown */
function specOf(any: Buffer | undefined): Spec {
  try {
    return parseDocument(valueOfAny(any ?? Buffer.alloc(0)), SpecSchema, 'the spec of a container');
  } catch (failure) {
    if (failure instanceof DimgxError) return { process: null, mounts: [] };
    throw failure;
  }
}

/** The second field of a message of two, each with a length. Source: protobuf, any.proto. */
function valueOfAny(any: Buffer): Buffer {
  for (let at = 0; at < any.length; ) {
    const tag = any[at++];
    let [length, factor] = [0, 1];
    for (let byte = 0x80; byte >= 0x80 && at < any.length; factor *= 0x80) {
      byte = any[at++] as number;
      length += (byte & 0x7f) * factor;
    }
    if (tag === 0x12) return any.subarray(at, at + length);
    at += length;
  }
  return any.subarray(0, 0);
}

function labelsIn(bucket: BoltBucket | undefined): readonly (readonly [key: string, text: string])[] {
  const labels = [];
  for (const { key, value } of bucket?.entries() ?? []) {
    if (Buffer.isBuffer(value)) labels.push([key.toString(), value.toString()] as const);
  }
  return labels;
}

/** Seconds from the year 1 to 1970. */
const EPOCH = 62_135_596_800n;

/**
 * A time as Go's `MarshalBinary` writes it: version, seconds since the year 1, nanoseconds, time zone. Source: Go,
 * time/time.go.
 *
 * @returns RFC 3339, in UTC; `undefined` if it is missing, malformed or none
 */
export function goTime(bytes: Buffer | undefined): string | undefined {
  if (!bytes || bytes.length < 15 || bytes[0] === 0 || (bytes[0] as number) > 2) return undefined;
  const seconds = bytes.readBigInt64BE(1) - EPOCH;
  const nanoseconds = bytes.readInt32BE(9);
  const date = new Date(Number(seconds) * 1000);
  const isTime = seconds > 0n && nanoseconds >= 0 && nanoseconds < 1e9 && Number.isFinite(date.getTime());
  return isTime ? date.toISOString().replace('000Z', `${String(nanoseconds).padStart(9, '0')}Z`) : undefined;
}

function tooMany(): DimgxError {
  const message = `the database of containerd has more than ${formatSize(MAX_RECORDS)} about containers: the storage is refused`;
  return new DimgxError('DIMGX_IMAGE_DOCUMENT_TOO_LARGE', message);
}
