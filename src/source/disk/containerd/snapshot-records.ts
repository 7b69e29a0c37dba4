import { formatSize } from '../../../base/limits.js';
import { DimgxError } from '../../../errors.js';
import { readBolt } from '../database/bolt.js';
import { orDamage } from '../or-damage.js';
import type { StoreFiles } from '../store-files.js';
import { bucketsIn } from './containerd-meta.js';
import {
  ownerMaps,
  SNAPSHOTTERS,
  type Snapshot,
  type SnapshotName,
  snapshotDatabase,
  uvarint,
} from './containerd-snapshots.js';

/** A snapshot, as its snapshotter records it. */
export interface SnapshotRecord extends SnapshotName, Pick<Snapshot, 'uidMap' | 'gidMap'> {
  /** By which the snapshotter knows it: with its namespace and a number. */
  readonly name: string;
  /** The name of its folder. */
  readonly id: string;
  /** Whether something may write into it. */
  readonly isActive: boolean;
  /** Whether it is a layer that something can be based on. */
  readonly isCommitted: boolean;
  /** The name of the one below; empty if there is none. */
  readonly parent: string;
}

/** Limit of the names of all snapshots, in bytes, and the least that one counts for. */
const [MAX_NAMES, LEAST_NAME] = [64 * 2 ** 20, 256];

/** Kinds of snapshots. Source: containerd, snapshots/snapshotter.go. */
const [ACTIVE, COMMITTED] = [2, 3];

/**
 * All snapshots of a snapshotter. Source: containerd, snapshots/storage/bolt.go.
 *
 * @param top the folder of containerd: empty, or with a slash at its end
 * @returns none if there is no database
 * @throws as `readBolt`; DIMGX_IMAGE_DOCUMENT_TOO_LARGE
 */
export function snapshotRecords(files: StoreFiles, top: string, snapshotter: string): readonly SnapshotRecord[] {
  const found = readBolt(files, snapshotDatabase(top, snapshotter), (root) => {
    const records: SnapshotRecord[] = [];
    let size = 0;
    for (const [name, bucket] of bucketsIn(root.bucket('v1', 'snapshots'))) {
      const id = uvarint(bucket.value('id'));
      if (id === undefined) continue;
      const parent = bucket.value('parent')?.toString() ?? '';
      size += Math.max(LEAST_NAME, name.length + parent.length);
      if (size > MAX_NAMES) throw tooMany();
      const [, namespace = '', key = name] = /^([^/]*)\/\d+\/(.*)$/s.exec(name) ?? [];
      const kind = bucket.value('kind')?.[0];
      records.push({
        ...{ namespace, snapshotter, key, name, id, parent },
        ...{ isActive: kind === ACTIVE, isCommitted: kind === COMMITTED },
        ...ownerMaps(bucket.bucket('labels')),
      });
    }
    return records;
  });
  return found ?? [];
}

/**
 * The snapshots that containers or builds write into, or have left behind. A snapshotter whose database is damaged has
 * none that are known.
 *
 * @throws as `snapshotRecords`
 */
export function activeSnapshots(files: StoreFiles, top: string): readonly SnapshotName[] {
  const known = (snapshotter: string) => orDamage(() => snapshotRecords(files, top, snapshotter));
  return SNAPSHOTTERS.map(known)
    .flatMap((records) => (records instanceof DimgxError ? [] : records))
    .filter(({ isActive, namespace }) => isActive && namespace !== '')
    .map(({ namespace, snapshotter, key }) => ({ namespace, snapshotter, key }));
}

function tooMany(): DimgxError {
  const message = `a snapshotter of containerd has more than ${formatSize(MAX_NAMES)} of names: the storage is refused`;
  return new DimgxError('DIMGX_IMAGE_DOCUMENT_TOO_LARGE', message);
}
