import type { BigIntStats } from 'node:fs';
import type { FolderTree } from '../../base/io/folder-tree.js';
import { isTooManyFiles, tooManyFiles } from '../../base/io/open-file-limit.js';
import { type ByteName, OpenFolder } from '../../base/io/open-folder.js';
import { type Limits, tooManyEntries } from '../../base/limits.js';
import { isSystemError } from '../../errors.js';
import { MAX_PATH } from '../../tar/path.js';
import { invalidBag } from './bag-error.js';

/** Something in a bag that is no folder, or a folder that cannot be read. */
export type Walked = { readonly path: ByteName } & (
  | {
      /** The folder that it is in. It is open until the next one is requested. */
      readonly folder: OpenFolder;
      readonly name: ByteName;
      readonly stats: BigIntStats;
    }
  | { readonly failure: NodeJS.ErrnoException }
);

export interface WalkOptions {
  /** Path of the folder where the walk starts; empty for the bag itself. */
  readonly from: ByteName;
  /** Name in that folder of something that is left out. */
  readonly except?: ByteName;
  /** `maxEntries` limits what one walk comes across, folders too. */
  readonly limits: Limits;
}

/**
 * Walks the folders of a bag. No symlink is followed. Of each folder, what is no folder comes first; names come in the
 * order of their bytes.
 *
 * @throws DIMGX_BAG_INVALID for a path longer than 4,095 bytes; DIMGX_LIMIT_ENTRIES, DIMGX_TOO_MANY_FILES
 */
export function* walkBag(tree: FolderTree, { from, except, limits }: WalkOptions): Generator<Walked, void, void> {
  const pending = [from];
  let count = 0;
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    const opened = attempt(() => new OpenFolder(tree.openFolder(Buffer.from(at as ByteName, 'latin1'))));
    if (!(opened instanceof OpenFolder)) {
      yield { path: at, failure: opened };
      continue;
    }
    const folders: ByteName[] = [];
    try {
      const names = attempt(() => opened.names());
      if (names instanceof Error) {
        yield { path: at, failure: names };
        continue;
      }
      count += names.length;
      if (count > limits.maxEntries) throw tooManyEntries('the bag', limits.maxEntries);
      for (const name of names) {
        const path = at === '' ? name : `${at}/${name}`;
        if (path === except) continue;
        if (path.length > MAX_PATH) throw invalidBag(`a path in the bag is longer than ${MAX_PATH} bytes`, path);
        const stats = attempt(() => opened.stats(name));
        if (stats instanceof Error) {
          // What has vanished meanwhile is missing, if a manifest lists it.
          if (stats.code !== 'ENOENT') yield { path, failure: stats };
        } else if (stats.isDirectory()) folders.push(path);
        else yield { path, folder: opened, name, stats };
      }
    } finally {
      opened.close();
    }
    while (folders.length > 0) pending.push(folders.pop() as ByteName);
  }
}

/** @returns what the call returns, or the operating system's error */
function attempt<T>(call: () => T): T | NodeJS.ErrnoException {
  try {
    return call();
  } catch (failure) {
    if (isTooManyFiles(failure)) throw tooManyFiles(failure);
    if (isSystemError(failure)) return failure;
    throw failure;
  }
}
