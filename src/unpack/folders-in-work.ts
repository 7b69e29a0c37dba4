import { chmodSync } from 'node:fs';
import type { ByteName } from '../base/io/open-folder.js';
import { FolderWalk } from './folder-walk.js';
import { type FolderMetadata, finishFolder, type LateWork } from './late-work.js';
import type { NodeMaker } from './node-maker.js';
import { type Spot, splitPath } from './spot.js';
import type { Target } from './target.js';

interface Level {
  readonly path: ByteName;
  /** What a new folder gets when all in it is written; `undefined` for one that was there before. */
  readonly metadata: FolderMetadata | undefined;
  /** Whether that must wait until the end. */
  isLate: boolean;
}

/** Owner's permission to use what is in a folder. */
const SEARCH = 0o100;

/**
 * The folders on the way to what is being written. New ones are open to nobody but their owner. One gets its own
 * permissions and its time when the way leaves it, because that is for good in the order of the tar.
 */
export class FoldersInWork {
  readonly #walk: FolderWalk;
  readonly #maker: NodeMaker;
  readonly #late: LateWork;
  /** For folders that no entry describes. */
  readonly #implied: FolderMetadata = { mode: 0o755, mtime: Math.floor(Date.now() / 1000), mtimeNanos: 0 };
  #level: Level = { path: '', metadata: undefined, isLate: false };
  /** Those above, from the root on. */
  readonly #above: Level[] = [];

  constructor({ root }: Target, maker: NodeMaker, late: LateWork) {
    this.#walk = new FolderWalk(root);
    this.#maker = maker;
    this.#late = late;
  }

  /** Goes to the folder of a path. @throws DIMGX_TARGET_*; the operating system's error, as all methods do */
  spot(path: ByteName): Spot {
    const [folder, name] = splitPath(path);
    if (folder !== this.#level.path) this.go(folder);
    return { folder: this.#walk.here, name, path, isOld: this.#level.metadata === undefined };
  }

  /** Goes to a folder. Makes it and those above it if no entry has described them. */
  go(path: ByteName): void {
    while (!isBelow(path, this.#level.path)) this.#leave();
    while (path !== this.#level.path) {
      const end = path.indexOf('/', this.#level.path.length + 1);
      this.enter(path.slice(0, end < 0 ? path.length : end), this.#implied);
    }
  }

  /** Makes a folder, or goes to the one that is there. */
  enter(path: ByteName, { mode, mtime, mtimeNanos }: FolderMetadata): void {
    const spot = this.spot(path);
    const isNew = this.#maker.folder(spot);
    this.#walk.enter(spot.name);
    // What the caller's umask, and the folder that it is in, have made of its permissions is not what is wanted.
    if (isNew) chmodSync(this.#walk.here.path, 0o700);
    this.#above.push(this.#level);
    this.#level = { path, metadata: isNew ? { mode, mtime, mtimeNanos } : undefined, isLate: false };
  }

  /** Lets the folder wait until late work is done, because something will be made in it then. */
  delay(): void {
    this.#level.isLate = true;
  }

  /** Leaves all folders but the root. */
  leaveAll(): void {
    while (this.#above.length > 0) this.#leave();
  }

  close(): void {
    this.#walk.close();
  }

  /** A folder that its owner cannot use waits too: first names of hard links may be below it. */
  #leave(): void {
    const { path, metadata, isLate } = this.#level;
    if (metadata && (isLate || (metadata.mode & SEARCH) === 0)) this.#late.folder(path, metadata);
    else if (metadata) finishFolder(this.#walk.here, metadata);
    this.#walk.leave();
    this.#level = this.#above.pop() as Level;
  }
}

function isBelow(path: ByteName, folder: ByteName): boolean {
  return folder === '' || path === folder || path.startsWith(`${folder}/`);
}
