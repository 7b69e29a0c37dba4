import { randomBytes } from 'node:crypto';
import { type BigIntStats, fstatSync, renameSync, unlinkSync } from 'node:fs';
import { FolderWalk } from './folder-walk.js';
import { identityOf, look } from './identity.js';
import { MadeNodes } from './made-nodes.js';
import { PathLog } from './path-log.js';
import { type Spot, spotAt } from './spot.js';
import type { TargetFolder } from './target-folder.js';
import type { Turns } from './turns.js';
import { undoEach } from './undo-each.js';

/** What a run has changed, so that all of it can be undone. */
export class Journal {
  readonly #made = new MadeNodes();
  /** What has another name, with that name. */
  readonly #aside = new PathLog(1);

  /** Records what was just made. @param fd of a file: its name may belong to something else by now */
  made(spot: Spot, fd?: number): void {
    const stats = fd === undefined ? look(spot.folder, spot.name) : fstatSync(fd, { bigint: true });
    if (stats) this.#made.record(spot, stats); // if not, somebody has removed it
  }

  /** Whether this run has made what was found in an old folder. */
  hasMade(found: BigIntStats): boolean {
    return this.#made.has(found);
  }

  /**
   * Gives a file or a symlink another name, until the run is over.
   *
   * @returns whether that was it: another program may have replaced it
   */
  putAside({ folder, name, path }: Spot, found: BigIntStats): boolean {
    const aside = `.dimgx-${randomBytes(8).toString('hex')}`;
    renameSync(folder.at(name), folder.at(aside));
    this.#aside.append(path, aside);
    const moved = look(folder, aside);
    return moved !== undefined && identityOf(moved) === identityOf(found);
  }

  /** Removes what was put aside. @throws the operating system's error */
  async settle(root: TargetFolder, turns: Turns): Promise<void> {
    const walk = new FolderWalk(root);
    try {
      for (const [path, aside = ''] of this.#aside.records()) {
        unlinkSync(spotAt(walk, path, true).folder.at(aside));
        await turns.due();
      }
    } finally {
      walk.close();
    }
  }

  /** Removes what was made, and restores what was put aside. What cannot be removed or restored is left alone. */
  async undo(root: TargetFolder): Promise<void> {
    const walk = new FolderWalk(root);
    await this.#made.remove(walk);
    await undoEach(this.#aside.records(), (path, aside = '') => {
      const { folder, name } = spotAt(walk, path, true);
      if (!look(folder, name)) renameSync(folder.at(aside), folder.at(name));
    });
    walk.close();
  }
}
