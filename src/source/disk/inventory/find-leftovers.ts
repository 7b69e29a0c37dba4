import { DimgxError } from '../../../errors.js';
import type { Leftover } from '../../../image/leftover.js';
import { filesOf } from '../driver-folders.js';
import { folderSize } from '../folder/folder-size.js';
import type { StoreFiles } from '../store-files.js';
import { type FoundLeftover, type Inventory, type LayerRecord, type StoreContents, usesOf } from './inventory.js';

/** Most folders of which the size is counted. */
const MOST_COUNTED = 200;

/** What a storage has that no image and no container uses. @throws DIMGX_SOURCE_UNREADABLE */
export function findLeftovers(files: StoreFiles, contents: StoreContents): readonly Leftover[] {
  let counted = 0;
  return leftoversIn(files, contents).map(({ folder, size, file, ...what }) => {
    const isCounted = folder !== undefined && size === undefined && counted++ < MOST_COUNTED;
    const bytes = file === undefined ? (isCounted ? folderSize(files.root, folder) : size) : sizeOf(files, file);
    const modified = files.modified(what.path);
    return {
      ...what,
      ...(bytes !== undefined && { size: bytes }),
      ...(modified && { modified: modified.toISOString() }),
      isLayer: folder !== undefined,
    };
  });
}

/** @returns `undefined` if it is no file that can be read */
function sizeOf(files: StoreFiles, path: string): number | undefined {
  try {
    return files.readParts(path, ({ size }) => size);
  } catch (failure) {
    if (failure instanceof DimgxError) return undefined;
    throw failure;
  }
}

/** The same without a look into folders. @throws as `findLeftovers` */
export function leftoversIn(files: StoreFiles, contents: StoreContents): readonly FoundLeftover[] {
  const layers = contents.inventories().flatMap((inventory) => foldersLeft(files, inventory));
  return [...layers, ...(contents.blobs?.leftovers() ?? [])];
}

function foldersLeft(files: StoreFiles, inventory: Inventory): readonly FoundLeftover[] {
  const { folders, prefix, records, left, cached } = inventory;
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
    const at = `${folders.parent}/${id}`;
    const path = isThere ? at : (documents ?? at);
    const folder = isThere ? filesOf(folders, id) : undefined;
    if (kind) found.push({ kind, id: `${prefix}${id}`, path, folder, size: record.size() });
  }
  for (const id of names) {
    if (known.has(id) || cached.has(id.replace(/-init$/, ''))) continue;
    const kind = halfDeleted.get(id)?.kind === 'half-deleted layer' ? 'half-deleted layer' : 'orphaned folder';
    found.push({ kind, id: `${prefix}${id}`, path: `${folders.parent}/${id}`, folder: filesOf(folders, id) });
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
