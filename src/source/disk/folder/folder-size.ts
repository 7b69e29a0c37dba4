import { constants } from 'node:fs';
import { FolderTree } from '../../../base/io/folder-tree.js';
import { OpenFolder } from '../../../base/io/open-folder.js';
import { isSystemError } from '../../../errors.js';
import { type BytePath, joined } from './layer-folder.js';

/** Most folders that are looked into for a listing. */
const MOST_FOLDERS = 10_000;

/**
 * Sum of the sizes of the files below a folder, in bytes, each once.
 *
 * @param store descriptor of the folder of the storage
 * @returns `undefined` if something cannot be looked at, or if there are too many folders
 */
export function folderSize(store: number, path: string): number | undefined {
  const tree = new FolderTree(store, 'none');
  const pending: BytePath[] = [path];
  const inodes = new Set<string>();
  let size = 0;
  try {
    for (let count = 0; pending.length > 0; count++) {
      if (count === MOST_FOLDERS) return undefined;
      const at = pending.pop() as BytePath;
      const folder = new OpenFolder(tree.openFolder(Buffer.from(at, 'latin1')));
      try {
        for (const name of folder.names()) {
          const { mode, size: length, nlink, ino } = folder.stats(name);
          const type = Number(mode) & constants.S_IFMT;
          if (type === constants.S_IFDIR) pending.push(joined(at, name));
          if (type !== constants.S_IFREG) continue;
          const isCounted = nlink > 1n && inodes.has(String(ino));
          if (nlink > 1n) inodes.add(String(ino));
          if (!isCounted) size += Number(length);
        }
      } finally {
        folder.close();
      }
    }
    return size;
  } catch (failure) {
    if (isSystemError(failure)) return undefined;
    throw failure;
  } finally {
    tree.close();
  }
}
