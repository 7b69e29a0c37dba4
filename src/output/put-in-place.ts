import { type BigIntStats, closeSync, linkSync, lstatSync, openSync, renameSync, unlinkSync } from 'node:fs';
import type { TemporaryName } from '../base/io/temporary-name.js';
import { unwritable } from '../base/io/unwritable.js';
import { pathData, quoted, reasonOf, withoutCall } from '../base/text/printable.js';
import { DimgxError } from '../errors.js';
import { targetExists } from './destination.js';
import { inodeOf, sameTarget } from './same-target.js';

/** Error codes from `link` on file systems without hard links, and for files of other users. */
const NO_HARD_LINKS: ReadonlySet<string | undefined> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

/** A file that is complete, but has only a temporary name. */
export interface NamelessFile {
  /** The name to give it, with symlinks resolved. */
  readonly path: string;
  /** In the same folder. */
  readonly temporary: TemporaryName;
  /** Whether a regular file of that name may be replaced. */
  readonly overwrite: boolean;
  /** As `inodeOf` tells it. */
  readonly inode: string;
}

/**
 * Gives all files their names, or none. Each is linked to its name, which fails if that exists by now, or renamed over
 * the file it replaces. If one fails, those before it are taken back, and the files they replaced are as they were:
 * until all are in place, these are kept under temporary names.
 *
 * All is synchronous: a signal is handled before it or after it. It takes a few system calls for each file.
 *
 * @throws DIMGX_TARGET_EXISTS, DIMGX_TARGET_SAME, DIMGX_TARGET_UNWRITABLE, DIMGX_TARGET_NO_SPACE
 */
export function putInPlace(files: readonly NamelessFile[]): void {
  const placing = new Placing();
  try {
    // Nothing can fail after the last file, so what that one replaces need not be kept.
    for (const [i, file] of files.entries()) placing.put(file, i < files.length - 1);
  } catch (failure) {
    throw placing.takeBack(failure);
  }
  placing.dropOld();
}

/**
 * The regular file that has the name now. It may have appeared, or gone, while the new file was written.
 *
 * @throws DIMGX_TARGET_EXISTS if something has the name that may not be replaced; DIMGX_TARGET_UNWRITABLE
 */
export function findOld({ path, overwrite }: NamelessFile): BigIntStats | undefined {
  const old = explained(path, () => lstatSync(path, { bigint: true, throwIfNoEntry: false }));
  if (!old) return undefined;
  if (!overwrite) throw targetExists(path);
  if (old.isFile()) return old;
  const message = `${quoted(path)} is no longer a regular file: remove it, or name another file`;
  throw new DimgxError('DIMGX_TARGET_UNWRITABLE', message, pathData(path));
}

class Placing {
  readonly #placed = new Map<string, NamelessFile>();
  readonly #undo: (() => void)[] = [];
  readonly #dropOld: (() => void)[] = [];

  put(file: NamelessFile, keepOld: boolean): void {
    const old = findOld(file);
    // Two names may be the same one to the file system, as they are if it ignores case.
    const same = old && this.#placed.get(inodeOf(old));
    if (same) throw sameTarget(quoted(same.path), quoted(file.path), 'the same file');
    explained(file.path, () => {
      if (old && keepOld) this.#keepOld(file);
      if (old) renameSync(file.temporary.path, file.path);
      else this.#giveNewName(file);
    });
    this.#placed.set(file.inode, file);
  }

  /** @returns the failure to report: that of something that cannot be taken back is worse than the first one */
  takeBack(failure: unknown): unknown {
    let worst = failure;
    for (const step of this.#undo) {
      try {
        step();
      } catch (worse) {
        worst = worse;
      }
    }
    return worst;
  }

  dropOld(): void {
    for (const drop of this.#dropOld) {
      try {
        drop();
      } catch {
        // All files are in place, and there is no way back if some old ones are gone: a name too many is the lesser harm.
      }
    }
  }

  #keepOld({ path, temporary }: NamelessFile): void {
    const kept = temporary.forOld();
    if (!tryLink(path, kept.path)) renameSync(path, kept.path);
    this.#dropOld.push(() => kept.remove());
    this.#undo.push(() => {
      const left = `its old contents are in ${quoted(kept.path)}`;
      backingOut(`${quoted(path)} cannot be put back`, left, () => renameSync(kept.path, path));
      kept.remove(); // still there if both were names of one file
    });
  }

  #giveNewName({ path, temporary }: NamelessFile): void {
    const hasName = tryLink(temporary.path, path);
    if (!hasName) closeSync(openSync(path, 'wx', 0o666)); // claims the name
    this.#undo.push(() => {
      backingOut(`${quoted(path)} cannot be removed`, 'other files of the run are missing', () => unlinkSync(path));
    });
    if (hasName) temporary.remove();
    else renameSync(temporary.path, path);
  }
}

/** Gives a file a second name. @returns false if the file system has no hard links */
function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (NO_HARD_LINKS.has((error as NodeJS.ErrnoException).code)) return false;
    throw error;
  }
}

/** @throws DIMGX_TARGET_EXISTS, DIMGX_TARGET_UNWRITABLE, DIMGX_TARGET_NO_SPACE */
function explained<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw targetExists(path);
    throw unwritable(path, error, pathData(path));
  }
}

/** @throws DIMGX_TARGET_UNWRITABLE, which says what the failure leaves behind */
function backingOut(what: string, left: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    const message = `${what} (${withoutCall(reasonOf(error))}): ${left}`;
    throw new DimgxError('DIMGX_TARGET_UNWRITABLE', message, { cause: error });
  }
}
