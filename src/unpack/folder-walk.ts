import type { ByteName } from '../base/io/open-folder.js';
import type { TargetFolder } from './target-folder.js';

/** How many folders on the way stay open, besides the root. Few paths are deeper. */
const MOST_OPEN = 16;

/**
 * Walks through folders below a root, one name at a time and never through a symlink. Paths may be longer than the
 * operating system accepts.
 */
export class FolderWalk {
  readonly #root: TargetFolder;
  /** The folders on the way from the root, the deepest ones open. */
  readonly #way: { readonly name: ByteName; folder: TargetFolder | undefined }[] = [];

  /** @param root the caller closes it */
  constructor(root: TargetFolder) {
    this.#root = root;
  }

  /** The folder that the way leads to. */
  get here(): TargetFolder {
    return this.#way.at(-1)?.folder ?? this.#root;
  }

  /** Number of folders between the root and here. */
  get depth(): number {
    return this.#way.length;
  }

  /** @throws DIMGX_TOO_MANY_FILES; the operating system's error, as all methods do */
  enter(name: ByteName): void {
    this.#way.push({ name, folder: this.here.enter(name) });
    const high = this.#way.at(-1 - MOST_OPEN);
    high?.folder?.close();
    if (high) high.folder = undefined;
  }

  /** Goes back to the folder at a depth. One that was closed meanwhile is opened again, from the root on. */
  leave(depth = this.depth - 1): void {
    for (const { folder } of this.#way.splice(depth)) folder?.close();
    if (depth === 0 || this.#way.at(-1)?.folder) return;
    for (const { name } of this.#way.splice(0)) this.enter(name);
  }

  /** Goes to the folder of a path: from the root, without a slash at either end. */
  go(path: ByteName): void {
    const names = path === '' ? [] : path.split('/');
    const differs = names.findIndex((name, i) => this.#way[i]?.name !== name);
    const shared = differs < 0 ? names.length : differs;
    if (shared < this.depth) this.leave(shared);
    for (const name of names.slice(shared)) this.enter(name);
  }

  close(): void {
    this.leave(0);
  }
}
