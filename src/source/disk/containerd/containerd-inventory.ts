import { mayBeRunning } from '../../../image/container.js';
import type { NamedOwner } from '../../../image/path-owner.js';
import { isDigest } from '../../../reference/digest.js';
import type { Inventory, LayerRecord, LeftDocuments } from '../inventory/inventory.js';
import { containerOwner } from '../inventory/named-owner.js';
import { storeOwner } from '../owners/store-owner.js';
import type { StoreFiles } from '../store-files.js';
import type { ContainerdRecord } from './containerd-records.js';
import { snapshotFolders } from './containerd-snapshots.js';
import type { ImageParts } from './image-parts.js';
import { rangesOf } from './snapshot-layers.js';
import { type SnapshotRecord, snapshotRecords } from './snapshot-records.js';

/** Who may use the snapshots of containerd. */
export interface SnapshotUsers {
  /** The folder of containerd below that of the store: empty, or with a slash at its end. */
  readonly top: string;
  readonly images: readonly UnpackedImage[];
  readonly containers: readonly ContainerdRecord[];
  /** Whether containers of a namespace are shown with it. */
  isNamespaceShown(namespace: string): boolean;
  /** Whether something else holds a snapshot: a lease, or a label. */
  isHeld(snapshot: SnapshotRecord): boolean;
}

/** An image that may have been unpacked. */
interface UnpackedImage {
  readonly owner: NamedOwner;
  /** The namespace that its snapshots are in; empty if that is not known. */
  readonly namespace: string;
  readonly parts: Pick<ImageParts, 'chains'>;
}

/**
 * What a snapshotter of containerd has. Source: containerd, plugins/snapshots/overlay/overlay.go, native/native.go.
 *
 * @throws as `snapshotRecords`
 */
export function containerdInventory(files: StoreFiles, snapshotter: string, users: SnapshotUsers): Inventory {
  const { top, images, containers, isNamespaceShown, isHeld } = users;
  const folders = snapshotFolders(top, snapshotter);
  const owner = storeOwner(files);
  const snapshots = snapshotRecords(files, top, snapshotter).toSorted((a, b) => Number(a.id) - Number(b.id));
  const named = new NamedSnapshots(snapshots);
  const own = containers
    .filter(({ snapshot, isLost }) => snapshot.snapshotter === snapshotter && !isLost)
    .map(({ container, snapshot: { namespace, key } }) => {
      return { container, namespace, id: named.find(namespace, key)[0]?.id };
    });
  const containerOf = new Map(own.flatMap(({ id, container }) => (id === undefined ? [] : [[id, container]])));
  const byId = new Map(snapshots.map((snapshot) => [snapshot.id, snapshot]));
  const unpacked = images.map(({ owner: image, namespace, parts }) => {
    const layers = [...parts.chains].flatMap(([chainId, layer]) =>
      named.find(namespace, chainId).map(({ id }) => [id, layer] as const),
    );
    return { image, layers: new Map(layers) };
  });
  const ofImages = new Set(unpacked.flatMap(({ layers }) => [...layers.keys()]));
  return {
    folders,
    prefix: `${snapshotter}/`,
    form: folders.form === 'overlay' ? owner.form : folders.form,
    hasLowers: false,
    isFolderName: (name) => isDecimal(name) || HALF.test(name),
    records: [...byId.values()].map((snapshot): LayerRecord => {
      const container = containerOf.get(snapshot.id);
      return {
        ...recordOf(snapshot, container?.id, named),
        ...(container && mayBeRunning(container.status) && { isLive: true }),
      };
    }),
    images: unpacked,
    containers: own.map(({ container, namespace, id }) => {
      return { container: containerOwner(container, isNamespaceShown(namespace) ? namespace : undefined), top: id };
    }),
    cached: new Set(snapshots.filter((each) => !ofImages.has(each.id) && isHeld(each)).map(({ id }) => id)),
    left: files.names(folders.parent).flatMap((name): readonly LeftDocuments[] => {
      if (!HALF.test(name)) return [];
      return [{ kind: 'half-deleted layer', id: name, path: `${folders.parent}/${name}`, folder: name }];
    }),
    owners: (record) => {
      const { uidMap, gidMap } = (record && byId.get(record.id)) ?? {};
      return [owner.owners, { uids: rangesOf(uidMap), gids: rangesOf(gidMap) }];
    },
  };
}

/** What snapshots are called while they are made, and while they are removed. */
const HALF = /^(?:new|rm)-\d{1,20}$/;
/** The key of what is being unpacked. Source: containerd, snapshots/snapshotter.go, UnpackKeyFormat. */
const UNPACKING = /^extract-\S* sha256:/;

function isDecimal(name: string): boolean {
  return /^\d{1,20}$/.test(name);
}

function recordOf(
  { id, namespace, key, parent, isCommitted }: SnapshotRecord,
  containerId: string | undefined,
  named: NamedSnapshots,
): LayerRecord {
  const isLayer = isCommitted && isDigest(key);
  return {
    id,
    aliases: [...new Set([key.replace(/^sha256:/, ''), containerId ?? key, `${namespace}/${key}`])],
    role: !isCommitted ? 'changes' : key.endsWith('-init') ? 'prepared' : 'layer',
    ...(UNPACKING.test(key) && { isIncomplete: true }),
    ...(isLayer && { isUnpacked: true }),
    tarSplit: '',
    // Without a record of the one below, its name stands for it in errors.
    parent: () => (parent === '' ? undefined : (named.idOf(parent) ?? parent)),
    diffId: () => undefined,
    size: () => undefined,
  };
}

/** Snapshots by their names. If one of a removed client is left beside the one of today, that is the newer one. */
class NamedSnapshots {
  readonly #byName: ReadonlyMap<string, SnapshotRecord>;
  readonly #byKey = new Map<string, Map<string, SnapshotRecord>>();

  constructor(snapshots: readonly SnapshotRecord[]) {
    this.#byName = new Map(snapshots.map((snapshot) => [snapshot.name, snapshot]));
    for (const snapshot of snapshots) {
      const ofKey = this.#byKey.get(snapshot.key) ?? new Map<string, SnapshotRecord>();
      const known = ofKey.get(snapshot.namespace);
      if (!known || sequenceOf(known) < sequenceOf(snapshot)) ofKey.set(snapshot.namespace, snapshot);
      this.#byKey.set(snapshot.key, ofKey);
    }
  }

  /** The name of the folder of one. */
  idOf(name: string): string | undefined {
    return this.#byName.get(name)?.id;
  }

  /** @param namespace empty for all */
  find(namespace: string, key: string): readonly SnapshotRecord[] {
    const ofKey = this.#byKey.get(key);
    if (namespace === '') return [...(ofKey?.values() ?? [])];
    const found = ofKey?.get(namespace);
    return found ? [found] : [];
  }
}

function sequenceOf({ name }: SnapshotRecord): number {
  return Number(/^[^/]*\/(\d+)\//.exec(name)?.[1] ?? 0);
}
