import { chmodSync, opendirSync, rmdirSync, unlinkSync } from 'node:fs';
import type { ByteName } from '../base/io/open-folder.js';
import { isSystemError } from '../errors.js';
import type { FolderWalk } from './folder-walk.js';
import type { TargetFolder } from './target-folder.js';
import type { Turns } from './turns.js';

/** How many folders of one listing are remembered. A long list is read again once these are removed. */
const MOST_LISTED = 100;

/**
 * Removes something with all that is below it, however deep that is. No symlink is followed.
 *
 * @param walk at the folder that `name` is in; may be elsewhere after an error
 * @throws the operating system's error
 */
export async function removeTree(walk: FolderWalk, name: ByteName, turns: Turns): Promise<void> {
  if (unlinkNow(walk.here, name)) return;
  const way: { readonly name: ByteName; ahead: ByteName[] }[] = [];
  const enter = (folder: ByteName) => {
    walk.enter(folder);
    chmodSync(walk.here.path, 0o700);
    way.push({ name: folder, ahead: [] });
  };
  enter(name);
  for (let last = way.at(-1); last; last = way.at(-1)) {
    if (last.ahead.length === 0) last.ahead = await removeFiles(walk.here, turns);
    const next = last.ahead.pop();
    if (next !== undefined) {
      enter(next);
      continue;
    }
    walk.leave();
    rmdirSync(walk.here.at(last.name));
    way.pop();
  }
}

/** @returns whether it is gone; if not, it is a folder */
function unlinkNow(folder: TargetFolder, name: ByteName): boolean {
  try {
    unlinkSync(folder.at(name));
    return true;
  } catch (failure) {
    if (isSystemError(failure, 'EISDIR', 'EPERM')) return false;
    throw failure;
  }
}

/** Removes what is no folder, as far as the list goes. @returns the first folders of the list */
async function removeFiles(folder: TargetFolder, turns: Turns): Promise<ByteName[]> {
  const folders: ByteName[] = [];
  const list = opendirSync(folder.at('.') as string, { encoding: 'latin1' as BufferEncoding, bufferSize: 256 });
  try {
    for (let entry = list.readSync(); entry && folders.length < MOST_LISTED; entry = list.readSync()) {
      if (entry.isDirectory()) folders.push(entry.name);
      else unlinkSync(folder.at(entry.name));
      await turns.due();
    }
  } finally {
    list.closeSync();
  }
  return folders;
}
