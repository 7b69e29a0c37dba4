import { fstatSync } from 'node:fs';
import type { FolderForm } from '../folder/folder-form.js';
import type { IdRange, OwnerMaps } from '../folder/id-map.js';
import { isInUserNamespace } from '../folder/privilege.js';
import type { StoreFiles } from '../store-files.js';
import { subordinateIds } from './subordinate-ids.js';

/** How the owner of a store wrote it. */
export interface StoreOwner {
  /** The form of folders that overlayfs wrote. */
  readonly form: Extract<FolderForm, 'overlay' | 'user-overlay'>;
  /** How owners on the disk become those that the engine saw; without ranges if it saw the same. */
  readonly owners: OwnerMaps;
  /** Whether it is a user whose subordinate IDs could not be found. */
  readonly isPartial: boolean;
}

const SAME: OwnerMaps = { uids: [], gids: [] };

/** Of the stores that are open. */
const known = new WeakMap<StoreFiles, StoreOwner>();

/** Finds out, once, how a store was written: by root, or by a user without privileges in a user namespace. */
export function storeOwner(files: StoreFiles): StoreOwner {
  const owner = known.get(files) ?? ownerOf(files);
  known.set(files, owner);
  return owner;
}

function ownerOf(files: StoreFiles): StoreOwner {
  const { uid, gid } = fstatSync(files.root);
  // In a user namespace, its user appears as root. Any other store was written by somebody outside of it.
  if (isInUserNamespace()) return { form: uid === 0 ? 'user-overlay' : 'overlay', owners: SAME, isPartial: false };
  if (uid === 0 || hasFilesOfRoot(files)) return { form: 'overlay', owners: SAME, isPartial: false };
  const { uids, gids, group = gid } = subordinateIds(files.path, uid);
  const owners = { uids: ownFirst(uid, uids), gids: ownFirst(group, gids) };
  return { form: 'user-overlay', owners, isPartial: uids.length === 0 && gids.length === 0 };
}

/** Whether root owns something in the folder of a store. The engine of another user cannot have written it. */
function hasFilesOfRoot(files: StoreFiles): boolean {
  return files.names('').some((name) => files.uidOf(name) === 0);
}

/** The user is root in the namespace. The subordinate IDs follow, range after range. Source: rootlesskit; Podman. */
function ownFirst(own: number, ranges: readonly { readonly start: number; readonly size: number }[]): IdRange[] {
  const maps: IdRange[] = [{ container: 0, host: own, size: 1 }];
  let container = 1;
  for (const { start, size } of ranges) {
    maps.push({ container, host: start, size });
    container += size;
  }
  return maps;
}
