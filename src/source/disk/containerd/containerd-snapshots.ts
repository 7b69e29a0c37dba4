import { quoted } from '../../../base/text/printable.js';
import { DimgxError } from '../../../errors.js';
import { type BoltBucket, readBolt } from '../database/bolt.js';
import { type DriverFolders, filesOf } from '../driver-folders.js';
import type { StoreFiles } from '../store-files.js';
import { containerdDatabase } from './containerd-meta.js';

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
const SUFFIXES: Readonly<Record<string, { readonly isTree: boolean; readonly suffix: string }>> = {
  overlayfs: { isTree: false, suffix: '/fs' },
  native: { isTree: true, suffix: '' },
};

/** Their names. */
export const SNAPSHOTTERS: readonly string[] = Object.keys(SUFFIXES);

/**
 * Where a snapshotter keeps its folders.
 *
 * @param top the folder of containerd: empty, or with a slash at its end
 * @throws DIMGX_SOURCE_UNSUPPORTED for another snapshotter
 */
export function snapshotFolders(top: string, snapshotter: string): DriverFolders {
  const kind = Object.hasOwn(SUFFIXES, snapshotter) ? SUFFIXES[snapshotter] : undefined;
  if (!kind) throw otherSnapshotter(snapshotter);
  const form = kind.isTree ? 'tree' : 'overlay';
  return { parent: `${placeOf(top, snapshotter)}/snapshots`, suffix: kind.suffix, form };
}

/** The path of a snapshotter's database. @param top likewise */
export function snapshotDatabase(top: string, snapshotter: string): string {
  return `${placeOf(top, snapshotter)}/metadata.db`;
}

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
  const folders = snapshotFolders(top, snapshotter);
  const name = readBolt(files, containerdDatabase(top), (root) =>
    root.bucket('v1', namespace, 'snapshots', snapshotter, key)?.value('name')?.toString(),
  );
  if (name === undefined) throw damaged(`has no snapshot ${quoted(key)} in the namespace ${quoted(namespace)}`);
  const chain = readBolt(files, snapshotDatabase(top, snapshotter), (root) =>
    rowsFrom(root.bucket('v1', 'snapshots'), name).map(({ name: full, id, labels }): Snapshot => {
      const key = full.replace(/^[^/]*\/\d+\//, '');
      return { key, folder: filesOf(folders, id), isTree: folders.form === 'tree', ...ownerMaps(labels) };
    }),
  );
  if (!chain) throw damaged(`has no database of the snapshotter ${quoted(snapshotter)}`);
  return chain;
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

/** How owners are mapped, as the labels of a snapshot say. Source: containerd, snapshots/snapshotter.go. */
export function ownerMaps(labels: BoltBucket | undefined): Pick<Snapshot, 'uidMap' | 'gidMap'> {
  const uidMap = labels?.value('containerd.io/snapshot/uidmapping')?.toString();
  const gidMap = labels?.value('containerd.io/snapshot/gidmapping')?.toString();
  return { ...(uidMap && { uidMap }), ...(gidMap && { gidMap }) };
}

/**
 * An unsigned number: seven bits in each byte, lowest first. Source: Go, encoding/binary.
 *
 * @returns its decimal digits; `undefined` if it is missing or malformed
 */
export function uvarint(bytes: Buffer | undefined): string | undefined {
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

function damaged(what: string): DimgxError {
  return new DimgxError('DIMGX_STORE_DAMAGED', `containerd's storage ${what}`);
}
