import { randomBytes } from 'node:crypto';
import { type BigIntStats, lstatSync, renameSync, unlinkSync } from 'node:fs';
import type { ByteName } from '../base/io/open-folder.js';
import { FolderWalk } from './folder-walk.js';
import { PathLog } from './path-log.js';
import { removeTree } from './remove-tree.js';
import { type Spot, splitPath } from './spot.js';
import type { TargetFolder } from './target-folder.js';
import { Turns } from './turns.js';

/**
 * What a run has changed in folders that were there before, so that all of it can be undone. What is in a new folder goes
 * with that folder, and is not recorded.
 */
export class Journal {
  /** With their identities. */
  readonly #made = new PathLog(1);
  /** With the names that they have meanwhile. */
  readonly #aside = new PathLog(1);
  /** Identities of all that was made, once somebody asks. */
  #identities: Set<string> | undefined;

  /** Records what was just made. */
  made({ folder, name, path }: Spot): void {
    const stats = look(folder, name);
    if (!stats) return; // somebody has removed it
    this.#made.append(path, identityOf(stats));
    this.#identities?.add(identityOf(stats));
  }

  /** Whether this run has made it. */
  hasMade(found: BigIntStats): boolean {
    this.#identities ??= new Set([...this.#made.records()].map(([, identity]) => identity as string));
    return this.#identities.has(identityOf(found));
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
        const [folder] = splitPath(path);
        walk.go(folder);
        unlinkSync(walk.here.at(aside));
        await turns.due();
      }
    } finally {
      walk.close();
    }
  }

  /** Removes what was made, and restores what was put aside. What cannot be removed or restored is left alone. */
  async undo(root: TargetFolder): Promise<void> {
    const walk = new FolderWalk(root);
    const turns = new Turns();
    const undoing = async (path: ByteName, undo: (name: ByteName) => Promise<void> | void) => {
      const [folder, name] = splitPath(path);
      try {
        walk.go(folder);
        await undo(name);
      } catch {
        // The error that ended the run is what the caller reports.
      }
      await turns.due();
    };
    for (const [path, identity] of this.#made.records()) {
      await undoing(path, async (name) => {
        const found = look(walk.here, name);
        if (found && identityOf(found) === identity) await removeTree(walk, name, turns);
      });
    }
    for (const [path, aside = ''] of this.#aside.records()) {
      await undoing(path, (name) => {
        if (!look(walk.here, name)) renameSync(walk.here.at(aside), walk.here.at(name));
      });
    }
    walk.close();
  }
}

function look(folder: TargetFolder, name: ByteName): BigIntStats | undefined {
  return lstatSync(folder.at(name), { bigint: true, throwIfNoEntry: false });
}

function identityOf({ dev, ino }: BigIntStats): string {
  return `${dev.toString(36)}:${ino.toString(36)}`;
}
