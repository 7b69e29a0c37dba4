import { quoted } from '../../base/text/printable.js';
import { DimgxError } from '../../errors.js';
import { type BoltBucket, readBolt } from './bolt.js';
import { bucketsIn, containerdDatabase } from './containerd-meta.js';
import type { StoreFiles } from './store-files.js';

/** Where containerd keeps the files of a layer or of a container. */
export interface Snapshot {
  /** By which containerd knows it: a chain ID, or what its client chose. */
  readonly key: string;
  /** A path below the folder of the store. */
  readonly folder: string;
  /** Whether it has the whole tree, not only what differs from the snapshot below. */
  readonly isTree: boolean;
  /** How the owners on the disk become those in the container: `CONTAINER:HOST:SIZE`, several with commas. */
  readonly uidMap?: string;
  readonly gidMap?: string;
}

/** A snapshot, as its client knows it. */
export interface SnapshotName {
  readonly namespace: string;
  readonly snapshotter: string;
  readonly key: string;
}

/** The snapshotters whose files are in folders of this host. Source: containerd, plugins/snapshots. */
const FOLDERS: Readonly<Record<string, { readonly isTree: boolean; folder(id: string): string }>> = {
  overlayfs: { isTree: false, folder: (id) => `snapshots/${id}/fs` },
  native: { isTree: true, folder: (id) => `snapshots/${id}` },
};

/** Most snapshots that are listed. Far more containers than a host has. */
const MAX_ACTIVE = 100_000;

/** What the snapshotter records. */
interface Row {
  readonly name: string;
  readonly id: string;
  readonly labels: BoltBucket | undefined;
}

/**
 * A snapshot and those below it, newest first. Source: containerd, snapshots/storage/bolt.go.
 *
 * @param top the folder of containerd: empty, or with a slash at its end
 * @throws DIMGX_STORE_DAMAGED, DIMGX_SOURCE_UNSUPPORTED for another snapshotter; as `readBolt`
 */
export function snapshotChain(files: StoreFiles, top: string, wanted: SnapshotName): readonly Snapshot[] {
  const { namespace, snapshotter, key } = wanted;
  const kind = Object.hasOwn(FOLDERS, snapshotter) ? FOLDERS[snapshotter] : undefined;
  if (!kind) throw otherSnapshotter(snapshotter);
  const name = readBolt(files, containerdDatabase(top), (root) =>
    root.bucket('v1', namespace, 'snapshots', snapshotter, key)?.value('name')?.toString(),
  );
  if (name === undefined) throw damaged(`has no snapshot ${quoted(key)} in the namespace ${quoted(namespace)}`);
  const place = placeOf(top, snapshotter);
  const chain = readBolt(files, `${place}/metadata.db`, (root) =>
    rowsFrom(root.bucket('v1', 'snapshots'), name).map(({ name: full, id, labels }): Snapshot => {
      const uidMap = labels?.value('containerd.io/snapshot/uidmapping')?.toString();
      const gidMap = labels?.value('containerd.io/snapshot/gidmapping')?.toString();
      return {
        key: full.replace(/^[^/]*\/\d+\//, ''),
        folder: `${place}/${kind.folder(id)}`,
        isTree: kind.isTree,
        ...(uidMap && { uidMap }),
        ...(gidMap && { gidMap }),
      };
    }),
  );
  if (!chain) throw damaged(`has no database of the snapshotter ${quoted(snapshotter)}`);
  return chain;
}

/** The kind of a snapshot that something is writing, or has written. Source: containerd, snapshots/snapshotter.go. */
const ACTIVE = 2;

/**
 * The snapshots that containers or builds write into, or have left behind; of the snapshotters that can be read.
 *
 * @param top the folder of containerd: empty, or with a slash at its end
 * @throws as `readBolt`; DIMGX_IMAGE_DOCUMENT_TOO_LARGE
 */
export function activeSnapshots(files: StoreFiles, top: string): readonly SnapshotName[] {
  return Object.keys(FOLDERS).flatMap((snapshotter) => {
    const read = (root: BoltBucket) => {
      const found: SnapshotName[] = [];
      for (const [name, bucket] of bucketsIn(root.bucket('v1', 'snapshots'))) {
        const [, namespace, key] = /^([^/]*)\/\d+\/(.*)$/s.exec(name) ?? [];
        if (namespace === undefined || key === undefined || bucket.value('kind')?.[0] !== ACTIVE) continue;
        if (found.length === MAX_ACTIVE) throw tooManyActive();
        found.push({ namespace, snapshotter, key });
      }
      return found;
    };
    return readBolt(files, `${placeOf(top, snapshotter)}/metadata.db`, read) ?? [];
  });
}

function placeOf(top: string, snapshotter: string): string {
  return `${top}io.containerd.snapshotter.v1.${snapshotter}`;
}

function rowsFrom(snapshots: BoltBucket | undefined, newest: string): readonly Row[] {
  const rows = new Map<string, Row>();
  for (let name = newest; name !== ''; ) {
    const bucket = snapshots?.bucket(name);
    const id = uvarint(bucket?.value('id'));
    if (!bucket || id === undefined) throw damaged(`has no folder of the snapshot ${quoted(name)}`);
    if (rows.has(name)) throw damaged('has snapshots whose parents form a loop');
    rows.set(name, { name, id, labels: bucket.bucket('labels') });
    name = bucket.value('parent')?.toString() ?? '';
  }
  return [...rows.values()];
}

/**
 * An unsigned number: seven bits in each byte, lowest first. Source: Go, encoding/binary.
 *
 * @returns its decimal digits; `undefined` if it is missing or malformed
 */
function uvarint(bytes: Buffer | undefined): string | undefined {
  let [value, shift] = [0n, 0n];
  for (const byte of bytes?.subarray(0, 10) ?? []) {
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return String(value);
    shift += 7n;
  }
  return undefined;
}

function otherSnapshotter(name: string): DimgxError {
  const message = `the snapshotter ${quoted(name)} of containerd keeps files in a way that dimgx does not read: start containerd, and mount the snapshot with ctr snapshots mount`;
  return new DimgxError('DIMGX_SOURCE_UNSUPPORTED', message);
}

function tooManyActive(): DimgxError {
  const message = `containerd's storage has more than ${MAX_ACTIVE} active snapshots: the storage is refused`;
  return new DimgxError('DIMGX_IMAGE_DOCUMENT_TOO_LARGE', message);
}

function damaged(what: string): DimgxError {
  return new DimgxError('DIMGX_STORE_DAMAGED', `containerd's storage ${what}`);
}
