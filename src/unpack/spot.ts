import type { ByteName } from '../base/io/open-folder.js';
import type { FolderWalk } from './folder-walk.js';
import type { TargetFolder } from './target-folder.js';

/** A name in an open folder, where something is made. */
export interface Spot {
  readonly folder: TargetFolder;
  readonly name: ByteName;
  /** From the root of the target. */
  readonly path: ByteName;
  /** Whether the folder was there before this run. */
  readonly isOld: boolean;
}

/** Walks to the folder of a path. */
export function spotAt(walk: FolderWalk, path: ByteName, isOld: boolean): Spot {
  const [folder, name] = splitPath(path);
  walk.go(folder);
  return { folder: walk.here, name, path, isOld };
}

/** The folder of a path, and the name in it. */
export function splitPath(path: ByteName): readonly [folder: ByteName, name: ByteName] {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? ['', path] : [path.slice(0, slash), path.slice(slash + 1)];
}
