import { closeSync, readSync } from 'node:fs';
import { DimgxError, isSystemError } from '../../errors.js';
import type { FileBelow, FolderTree } from './folder-tree.js';
import { pathOf, unreadable } from './rebuilt-file.js';
import type { RebuiltPieces } from './rebuilt-region.js';

/**
 * One of the files that a region is rebuilt from, while somebody may be writing it. Its size was found earlier: what the
 * file has beyond that is not read, and what it lacks meanwhile is read as zeros, and counted.
 */
export class LiveFile {
  readonly number: number;
  readonly size: number;
  readonly #path: Uint8Array;
  readonly #fd: number | undefined;
  readonly #lacking: Uint32Array;
  #isLacking = false;

  /** @throws DIMGX_SOURCE_UNREADABLE, DIMGX_TOO_MANY_FILES */
  static open(tree: FolderTree, pieces: RebuiltPieces, lacking: Uint32Array, number: number): LiveFile {
    const path = pathOf(pieces, number);
    return new LiveFile(number, pieces.size[number] as number, path, openIfThere(tree, path)?.fd, lacking);
  }

  private constructor(number: number, size: number, path: Uint8Array, fd: number | undefined, lacking: Uint32Array) {
    this.number = number;
    this.size = size;
    this.#path = path;
    this.#fd = fd;
    this.#lacking = lacking;
  }

  /** @throws DIMGX_SOURCE_UNREADABLE */
  read(into: Uint8Array, position: number): void {
    let done = 0;
    for (let read = -1; read !== 0 && done < into.length; done += read) {
      read = this.#readSome(into.subarray(done), position + done);
    }
    if (done === into.length) return;
    into.fill(0, done);
    if (this.#isLacking) return;
    this.#isLacking = true;
    if (Atomics.add(this.#lacking, 0, 1) === 0) Atomics.store(this.#lacking, 1, this.number + 1);
  }

  /** The same: such files are read in one thread. */
  async readLater(into: Uint8Array, position: number): Promise<void> {
    this.read(into, position);
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
  }

  abandon(): void {
    this.close();
  }

  #readSome(into: Uint8Array, position: number): number {
    if (this.#fd === undefined) return 0;
    try {
      return readSync(this.#fd, into, 0, into.length, position);
    } catch (failure) {
      throw unreadable(this.#path, failure);
    }
  }
}

/** @returns `undefined` if it is gone, or is something else by now */
function openIfThere(tree: FolderTree, path: Uint8Array): FileBelow | undefined {
  try {
    return tree.openFile(path);
  } catch (failure) {
    const isOther = failure instanceof DimgxError && failure.code === 'DIMGX_SOURCE_BAD_MEMBER';
    if (isOther || isSystemError(failure, 'ENOENT', 'ENOTDIR', 'ELOOP')) return undefined;
    throw failure instanceof DimgxError ? failure : unreadable(path, failure, tree.root);
  }
}
