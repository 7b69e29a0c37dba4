import { closeSync, fstatSync, read as readDescriptor, readSync, type Stats } from 'node:fs';
import { promisify } from 'node:util';
import { DimgxError, isSystemError } from '../../errors.js';
import { pathData, quoted, reasonOf, withoutCall } from '../text/printable.js';
import { Crc64 } from './crc64.js';
import { deniedAdvice } from './denied-advice.js';
import type { FolderTree } from './folder-tree.js';
import type { RebuiltPieces } from './rebuilt-region.js';

const readAsync = promisify(readDescriptor);

/** One of the files that a region is rebuilt from, while it is open. It must have its size, and nobody may write it. */
export class RebuiltFile {
  readonly number: number;
  readonly size: number;
  readonly #fd: number;
  readonly #pieces: RebuiltPieces;
  /** Reads under way. */
  #reads = 0;
  #isClosing = false;

  /** @throws DIMGX_STORE_FILE_CHANGED, DIMGX_SOURCE_UNREADABLE, DIMGX_TOO_MANY_FILES */
  static open(tree: FolderTree, pieces: RebuiltPieces, number: number): RebuiltFile {
    const { changed } = pieces;
    // Another reader has looked at it, and says when it changed last: that is compared before this one closes it.
    if (changed[number] !== 0) {
      const fd = openBelow(tree, pieces, number, (path) => tree.reopenFile(path));
      return new RebuiltFile(pieces, number, fd);
    }
    const { fd, stats } = openBelow(tree, pieces, number, (path) => tree.openListed(path));
    const open = new RebuiltFile(pieces, number, fd);
    try {
      // All readers of a region share the column: the first one says which file it is.
      if (changed[number] === 0) changed[number] = stats.ctimeMs;
      open.#requireSame(stats);
      return open;
    } catch (failure) {
      closeSync(fd);
      throw failure;
    }
  }

  private constructor(pieces: RebuiltPieces, number: number, fd: number) {
    this.#pieces = pieces;
    this.number = number;
    this.size = pieces.size[number] as number;
    this.#fd = fd;
  }

  /** @throws DIMGX_STORE_FILE_CHANGED, DIMGX_SOURCE_UNREADABLE */
  read(into: Uint8Array, position: number): void {
    for (let done = 0; done < into.length; ) {
      const bytes = this.#readNow(into, done, position + done);
      if (bytes === 0) throw this.#changedError(fstatSync(this.#fd));
      done += bytes;
    }
  }

  /** The same in another thread. The file may be closed meanwhile: it stays open as long as it is read. */
  async readLater(into: Uint8Array, position: number): Promise<void> {
    this.#reads++;
    try {
      for (let done = 0; done < into.length; ) {
        const rest = into.length - done;
        const { bytesRead } = await readAsync(this.#fd, into, done, rest, position + done).catch((failure: unknown) =>
          this.#refuse(failure),
        );
        if (bytesRead === 0) throw this.#changedError(fstatSync(this.#fd));
        done += bytesRead;
      }
    } finally {
      this.#reads--;
      if (this.#isClosing && this.#reads === 0) this.#finish();
    }
  }

  /** @throws DIMGX_STORE_FILE_CHANGED if it was written while it was read; if reads are under way, the last one does */
  close(): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    if (this.#reads === 0) this.#finish();
  }

  /** Closes it without looking whether it was written. */
  abandon(): void {
    try {
      this.close();
    } catch {
      // What was read of it is dropped.
    }
  }

  /** Compares all its bytes with their CRC-64. @throws DIMGX_STORE_FILE_CHANGED, and as `read` */
  requireChecksum(): void {
    const buffer = Buffer.allocUnsafe(Math.min(PIECE, this.size));
    const sum = new Crc64();
    for (let at = 0; at < this.size; at += buffer.length) {
      const part = buffer.subarray(0, this.size - at);
      this.read(part, at);
      sum.update(part);
    }
    const { crc } = this.#pieces;
    const isSame = sum.high === crc[2 * this.number] && sum.low === crc[2 * this.number + 1];
    if (!isSame) throw this.#error('has other contents', fstatSync(this.#fd));
  }

  #finish(): void {
    try {
      this.#requireSame(fstatSync(this.#fd));
    } finally {
      closeSync(this.#fd);
    }
  }

  #readNow(into: Uint8Array, done: number, position: number): number {
    try {
      return readSync(this.#fd, into, done, into.length - done, position);
    } catch (failure) {
      return this.#refuse(failure);
    }
  }

  #requireSame(stats: Stats): void {
    if (!stats.isFile()) throw notRegular(this.#path);
    if (stats.size !== this.size) throw this.#changedError(stats);
    if (this.#pieces.changed[this.number] !== stats.ctimeMs) throw this.#error('was written while it was read', stats);
  }

  get #path(): Uint8Array {
    return pathOf(this.#pieces, this.number);
  }

  #changedError(stats: Stats): DimgxError {
    const what = stats.size < this.size ? 'shorter' : 'longer';
    return this.#error(`is ${what} (${stats.size} bytes instead of ${this.size})`, stats);
  }

  #error(what: string, { mtime, ctime }: Stats): DimgxError {
    const times = `written ${mtime.toISOString()}, inode changed ${ctime.toISOString()}`;
    return fileChanged(this.#path, `${what} than when the layer was stored: ${times}`);
  }

  /** What has taken the place of a file may be impossible to read. */
  #refuse(failure: unknown): never {
    if (!fstatSync(this.#fd).isFile()) throw notRegular(this.#path, failure);
    throw unreadable(this.#path, failure);
  }
}

const PIECE = 1024 * 1024;

/** The path of a file of a rebuilt region: as in the layer. */
export function pathOf({ paths, pathEnd }: RebuiltPieces, number: number): Uint8Array {
  return paths.slice(pathEnd[number - 1] ?? 0, pathEnd[number]);
}

function latin1PathOf({ paths, pathEnd }: RebuiltPieces, number: number): string {
  const bytes = Buffer.from(paths.buffer, paths.byteOffset, paths.length);
  return bytes.toString('latin1', pathEnd[number - 1] ?? 0, pathEnd[number]);
}

/** @param open receives the path of the file: one character, one byte */
function openBelow<File>(
  { root }: FolderTree,
  pieces: RebuiltPieces,
  number: number,
  open: (path: string) => File,
): File {
  try {
    return open(latin1PathOf(pieces, number));
  } catch (failure) {
    const path = pathOf(pieces, number);
    if (isSystemError(failure, 'ENOENT', 'ENOTDIR')) throw fileChanged(path, 'is missing', failure);
    const isOther = failure instanceof DimgxError && failure.code === 'DIMGX_SOURCE_BAD_MEMBER';
    if (isOther || isSystemError(failure, 'ELOOP')) throw notRegular(path, failure);
    throw failure instanceof DimgxError ? failure : unreadable(path, failure, root);
  }
}

function notRegular(path: Uint8Array, cause?: unknown): DimgxError {
  return fileChanged(path, 'is not a regular file any more', cause);
}

function fileChanged(path: Uint8Array, what: string, cause?: unknown): DimgxError {
  const message = `the file ${quoted(path)} in the engine's storage ${what}`;
  return new DimgxError('DIMGX_STORE_FILE_CHANGED', message, { ...pathData(path), cause });
}

/** The error for a file that cannot be opened or read. @param root as for `deniedAdvice` */
export function unreadable(path: Uint8Array, cause: unknown, root?: number): DimgxError {
  const isDenied = isSystemError(cause, 'EACCES', 'EPERM');
  const advice = isDenied ? `: ${deniedAdvice(root)}` : '';
  const message = `the file ${quoted(path)} in the engine's storage cannot be read: ${withoutCall(reasonOf(cause))}${advice}`;
  return new DimgxError('DIMGX_SOURCE_UNREADABLE', message, { ...pathData(path), cause });
}
