import { type BigIntStats, chmodSync, rmdirSync, statSync, unlinkSync } from 'node:fs';
import type { FolderWalk } from './folder-walk.js';
import { identityOf, look } from './identity.js';
import { PathLog } from './path-log.js';
import { type Spot, spotAt } from './spot.js';
import { undoEach } from './undo-each.js';

/** Owner's permissions to list a folder, to change it and to use what is in it. */
const ALL = 0o700;

/** Everything that a run has made, so that it can be removed again, and nothing else with it. */
export class MadeNodes {
  /** Files and links, with their identities, and `old` if their folders were there before the run. */
  readonly #files = new PathLog(2);
  /** The same of folders. One comes after the folder that it is in. */
  readonly #folders = new PathLog(2);
  /** Identities of what was made in old folders, once somebody asks. */
  #inOld: Set<string> | undefined;

  /** @param made what has just got its name */
  record({ path, isOld }: Spot, made: BigIntStats): void {
    const identity = identityOf(made);
    (made.isDirectory() ? this.#folders : this.#files).append(path, identity, isOld ? 'old' : '');
    if (isOld) this.#inOld?.add(identity);
  }

  /** Whether the run has made something that was found in an old folder. */
  has(found: BigIntStats): boolean {
    this.#inOld ??= new Set(this.#identitiesInOld());
    return this.#inOld.has(identityOf(found));
  }

  /**
   * Removes all of it. What others have put in its place is left alone, and so are folders that others have put something
   * into.
   *
   * @param walk from the root of the target
   */
  async remove(walk: FolderWalk): Promise<void> {
    await undoEach(this.#folders.records(), (path, identity) => {
      walk.go(path);
      const found = statSync(walk.here.path, { bigint: true });
      const mode = Number(found.mode) & 0o777;
      if ((mode & ALL) !== ALL && identityOf(found) === identity) chmodSync(walk.here.path, mode | ALL);
    });
    const removing = (remove: typeof unlinkSync) => (path: string, identity?: string) => {
      const { folder, name } = spotAt(walk, path, false);
      const found = look(folder, name);
      if (found && identityOf(found) === identity) remove(folder.at(name));
    };
    await undoEach(this.#files.reversed(), removing(unlinkSync));
    await undoEach(this.#folders.reversed(), removing(rmdirSync));
  }

  *#identitiesInOld(): Generator<string> {
    for (const log of [this.#files, this.#folders])
      for (const [, identity = '', age] of log.records()) if (age === 'old') yield identity;
  }
}
