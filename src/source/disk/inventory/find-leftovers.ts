import type { Leftover } from '../../../image/leftover.js';
import { filesOf } from '../driver-folders.js';
import { folderSize } from '../folder/folder-size.js';
import type { StoreFiles } from '../store-files.js';
import { type Inventory, type LayerRecord, usesOf } from './inventory.js';

/** Most folders of which the size is counted. */
const MOST_COUNTED = 200;

/** What a storage has that no image and no container uses. @throws DIMGX_SOURCE_UNREADABLE */
export function findLeftovers(files: StoreFiles, inventory: Inventory): readonly Leftover[] {
  let counted = 0;
  return leftoversIn(files, inventory).map(({ folder, size, ...what }) => {
    const isCounted = folder !== undefined && size === undefined && counted++ < MOST_COUNTED;
    const bytes = isCounted ? folderSize(files.root, filesOf(inventory.folders, folder)) : size;
    const modified = files.modified(what.path);
    return {
      ...what,
      ...(bytes !== undefined && { size: bytes }),
      ...(modified && { modified: modified.toISOString() }),
      isLayer: folder !== undefined,
    };
  });
}

/** One of them, as the names in the storage show it. */
export interface FoundLeftover extends Pick<Leftover, 'kind' | 'id' | 'path'> {
  /** The name of the folder that has its files. */
  readonly folder?: string | undefined;
  /** If it is recorded, in bytes. */
  readonly size?: number | undefined;
}

/** The same without a look into folders. @throws as `findLeftovers` */
export function leftoversIn(files: StoreFiles, inventory: Inventory): readonly FoundLeftover[] {
  const { folders, records, left, cached } = inventory;
  const uses = usesOf(inventory);
  const names = files.names(folders.parent).filter((name) => inventory.isFolderName(name));
  const there = new Set(names);
  const known = new Set(records.map(({ id }) => id));
  const halfDeleted = new Map(left.flatMap((each) => (each.folder === undefined ? [] : [[each.folder, each]])));
  const found: FoundLeftover[] = [];
  for (const record of records) {
    const { id, documents } = record;
    const use = uses.get(id);
    const isThere = there.has(id);
    const kind = kindOf(record, { isThere, isUsed: use !== undefined });
    const folder = `${folders.parent}/${id}`;
    const path = isThere ? folder : (documents ?? folder);
    if (kind) found.push({ kind, id, path, folder: isThere ? id : undefined, size: record.size() });
  }
  for (const id of names) {
    if (known.has(id) || cached.has(id.replace(/-init$/, ''))) continue;
    const kind = halfDeleted.get(id)?.kind === 'half-deleted layer' ? 'half-deleted layer' : 'orphaned folder';
    found.push({ kind, id, path: `${folders.parent}/${id}`, folder: id });
  }
  for (const { folder, kind, id, path } of left) {
    if (folder === undefined || !there.has(folder)) found.push({ kind, id, path });
  }
  return found;
}

function kindOf(
  { role, isIncomplete }: LayerRecord,
  { isThere, isUsed }: { readonly isThere: boolean; readonly isUsed: boolean },
): Leftover['kind'] | undefined {
  if (isIncomplete) return 'incomplete layer';
  if (!isThere) return 'lost folder';
  if (isUsed) return undefined;
  return role === 'layer' ? 'unused layer' : 'lost container';
}
