import { type BigIntStats, constants, linkSync, mkdirSync, openSync, symlinkSync } from 'node:fs';
import { isSystemError } from '../errors.js';
import { look } from './identity.js';
import type { Journal } from './journal.js';
import type { Spot } from './spot.js';
import type { Target } from './target.js';
import { inTheWay, requireReplaceable, twice } from './target-errors.js';
import type { TargetFolder } from './target-folder.js';

/** A new file, and no other: an existing name is an error, and so is a symlink. */
const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/**
 * Makes files, folders and links under names that nothing has. A regular file or a symlink from before the run is put
 * aside if the caller wants that; anything else in the way is an error.
 */
export class NodeMaker {
  readonly #journal: Journal;
  readonly #force: boolean;
  readonly #target: Target;

  /** @param force whether files and symlinks are replaced */
  constructor(target: Target, journal: Journal, force: boolean) {
    this.#target = target;
    this.#journal = journal;
    this.#force = force;
  }

  /** Makes a folder that only its owner can use. @returns whether it is new: if not, it was there before the run */
  folder(spot: Spot): boolean {
    try {
      mkdirSync(spot.folder.at(spot.name), 0o700);
    } catch (failure) {
      if (!isSystemError(failure, 'EEXIST')) throw failure;
      this.#requireFolder(spot);
      return false;
    }
    this.#journal.made(spot);
    return true;
  }

  /** Makes a file that only its owner can use. @returns its descriptor; the caller closes it */
  file(spot: Spot): number {
    const fd = this.#make(spot, () => openSync(spot.folder.at(spot.name), NEW_FILE, 0o600));
    this.#journal.made(spot, fd);
    return fd;
  }

  symlink(spot: Spot, target: Buffer): void {
    this.#make(spot, () => symlinkSync(target, spot.folder.at(spot.name)));
    this.#journal.made(spot);
  }

  /** Makes another name for what has a name in another folder. */
  link(spot: Spot, folder: TargetFolder, name: string): void {
    this.#make(spot, () => linkSync(folder.at(name), spot.folder.at(spot.name)));
    this.#journal.made(spot);
  }

  /**
   * Sees to it that nothing has the name.
   *
   * @throws DIMGX_TARGET_EXISTS, DIMGX_TARGET_UNWRITABLE; the operating system's error
   */
  makeWay(spot: Spot): void {
    const found = this.#lookAt(spot);
    if (!found) return;
    const shown = this.#target.shown(spot.path);
    requireReplaceable(shown, found, this.#force);
    if (!this.#journal.putAside(spot, found)) throw twice(shown);
  }

  #make<T>(spot: Spot, make: () => T): T {
    try {
      return make();
    } catch (failure) {
      if (!isSystemError(failure, 'EEXIST')) throw failure;
    }
    this.makeWay(spot);
    return make();
  }

  #requireFolder(spot: Spot): void {
    const found = this.#lookAt(spot); // if it is gone by now, it cannot be entered
    if (found && !found.isDirectory()) throw inTheWay(this.#target.shown(spot.path), found, 'a directory');
  }

  /** What has the name. @throws DIMGX_TARGET_UNWRITABLE if it was not there before the run */
  #lookAt({ folder, name, path, isOld }: Spot): BigIntStats | undefined {
    const found = look(folder, name);
    if (found && (!isOld || this.#journal.hasMade(found))) throw twice(this.#target.shown(path));
    return found;
  }
}
