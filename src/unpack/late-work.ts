import { chmodSync, lutimesSync, utimesSync } from 'node:fs';
import type { ByteName } from '../base/io/open-folder.js';
import { isSystemError } from '../errors.js';
import type { Metadata, TarEntry } from '../tar/entry.js';
import { latin1 } from '../tar/pax.js';
import { FolderWalk } from './folder-walk.js';
import type { NodeMaker } from './node-maker.js';
import { PathLog } from './path-log.js';
import { type Spot, splitPath, spotAt } from './spot.js';
import type { Target } from './target.js';
import type { TargetFolder } from './target-folder.js';
import { timeArgument } from './time-argument.js';
import type { Turns } from './turns.js';

export type FolderMetadata = Pick<Metadata, 'mode' | 'mtime' | 'mtimeNanos'>;

/** What a record means: its path and its fields. */
type Work = (path: ByteName, ...fields: readonly string[]) => void;

/**
 * What waits until everything else is written: symlinks, so that nothing is ever written through one; hard links to
 * them; and the permissions and times of the folders that these are in.
 */
export class LateWork {
  /** With target, time, and whether the folder is old. */
  readonly #symlinks = new PathLog(4);
  /** With the name that they are links to, and whether the folder is old. */
  readonly #links = new PathLog(2);
  /** With mode and time. A folder comes after those in it. */
  readonly #folders = new PathLog(3);

  symlink({ path, isOld }: Spot, { link, mtime, mtimeNanos }: TarEntry): void {
    this.#symlinks.append(path, latin1(link), String(mtime), String(mtimeNanos), String(isOld));
  }

  link({ path, isOld }: Spot, first: ByteName): void {
    this.#links.append(path, first, String(isOld));
  }

  folder(path: ByteName, { mode, mtime, mtimeNanos }: FolderMetadata): void {
    this.#folders.append(path, String(mode), String(mtime), String(mtimeNanos));
  }

  /**
   * Does all of it.
   *
   * @returns numbers of hard links made, and not made because their first name was skipped
   * @throws DIMGX_TARGET_*, DIMGX_TOO_MANY_FILES, DIMGX_ABORTED
   */
  async run(target: Target, maker: NodeMaker, turns: Turns): Promise<{ readonly made: number; readonly lost: number }> {
    const [walk, firsts] = [new FolderWalk(target.root), new FolderWalk(target.root)];
    const links = { made: 0, lost: 0 };
    const symlink: Work = (path, link = '', mtime, mtimeNanos, isOld) => {
      const spot = spotAt(walk, path, isOld === 'true');
      maker.symlink(spot, Buffer.from(link, 'latin1'));
      const time = timeArgument(Number(mtime), Number(mtimeNanos));
      lutimesSync(spot.folder.at(spot.name), time, time);
    };
    const link: Work = (path, first = '', isOld) => {
      const isMade = linkTo(firsts, first, spotAt(walk, path, isOld === 'true'), maker);
      links[isMade ? 'made' : 'lost']++;
    };
    const folder: Work = (path, mode, mtime, mtimeNanos) => {
      walk.go(path);
      finishFolder(walk.here, { mode: Number(mode), mtime: Number(mtime), mtimeNanos: Number(mtimeNanos) });
    };
    const each = async (log: PathLog, work: Work) => {
      for (const [path, ...fields] of log.records()) {
        target.attempt(path, () => work(path, ...fields));
        await turns.due();
      }
    };
    try {
      await each(this.#symlinks, symlink);
      await each(this.#links, link);
      await each(this.#folders, folder);
    } finally {
      walk.close();
      firsts.close();
    }
    return links;
  }
}

/**
 * Makes another name for a file.
 *
 * @param firsts goes to the folder of its first name
 * @returns whether the first name exists
 */
export function linkTo(firsts: FolderWalk, first: ByteName, spot: Spot, maker: NodeMaker): boolean {
  const [folder, name] = splitPath(first);
  firsts.go(folder);
  try {
    maker.link(spot, firsts.here, name);
    return true;
  } catch (failure) {
    if (isSystemError(failure, 'ENOENT')) return false;
    throw failure;
  }
}

/** Gives a new folder its permissions and its time. */
export function finishFolder(folder: TargetFolder, { mode, mtime, mtimeNanos }: FolderMetadata): void {
  const time = timeArgument(mtime, mtimeNanos);
  utimesSync(folder.path, time, time);
  chmodSync(folder.path, mode & 0o777);
}
