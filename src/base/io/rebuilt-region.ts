import { closeSync } from 'node:fs';
import { DimgxError, isSystemError } from '../../errors.js';
import { pathData, quoted, reasonOf, withoutCall } from '../text/printable.js';
import { FolderTree, type LinkRule } from './folder-tree.js';
import { LiveFile } from './live-file.js';
import { RebuiltFile } from './rebuilt-file.js';
import { type RegionFile, sourceEnded } from './region.js';
import { SpoolWindow } from './spool-window.js';

/** Stands for a file where a piece is nothing but zeros. */
export const NO_FILE = 0xffff_ffff;

/**
 * Where the bytes of a rebuilt region are. All columns are in shared memory, so that threads need no copies of them.
 * What is in no piece is in the spool, back to back.
 */
export interface RebuiltPieces {
  /** By piece, in order and not empty: offsets of its first byte, and after its last one, in the region. */
  readonly start: Float64Array;
  readonly end: Float64Array;
  /** Total length of the pieces up to this one. */
  readonly total: Float64Array;
  /** The file that it is in, or `NO_FILE`, and the offset of its first byte there. */
  readonly file: Uint32Array;
  readonly from: Float64Array;
  /** By file: the end of its path in `paths`. */
  readonly pathEnd: Float64Array;
  readonly paths: Uint8Array;
  /** By file: its size, and its CRC-64 in two halves, the higher one first. */
  readonly size: Float64Array;
  readonly crc: Uint32Array;
  /** By file: when its inode changed last, as its first reader found it; in milliseconds since 1970, else 0. */
  readonly changed: Float64Array;
}

/** Which files a region is rebuilt from. */
export interface Rebuilding {
  readonly pieces: RebuiltPieces;
  /** Descriptor of a folder that is open as long as the region's file. */
  readonly root: number;
  /** The folder that the files are in: a path below `root`. */
  readonly folder: string;
  /** What is done about symlinks on the way to a file. */
  readonly links: LinkRule;
  /**
   * Set if somebody may be writing the files: then what they have when they are read counts, with zeros for what they
   * lack. Shared memory: how many files lacked bytes, and one more than the number of the first of them.
   */
  readonly lacking?: Uint32Array;
}

/**
 * A range of bytes that is stored in pieces: some in a spool, the others in files of their own. A file is opened only
 * while its bytes are read.
 */
export interface RebuiltRegion<File = RegionFile> {
  /** The spool. */
  readonly file: File;
  /** Offset of the region's first byte in the spool. */
  readonly offset: number;
  /** In bytes, with all files. */
  readonly length: number;
  readonly rebuilding: Rebuilding;
  /** Never set: see `Region`. */
  readonly archive?: undefined;
}

/** What of a region is read: only the spool, with zeros for the bytes of files; or everything. */
export type RebuiltParts = 'spool' | 'all';

/** A stretch of a region that is in one place. */
export interface Stretch {
  /** Number of a piece; `undefined` in the spool. */
  readonly piece: number | undefined;
  /** Offset after it, in the region. */
  readonly end: number;
}

/** The stretch that has the byte at a position. */
export function stretchAt({ rebuilding: { pieces }, length }: RebuiltRegion<unknown>, position: number): Stretch {
  const piece = pieceBefore(pieces.start, position);
  const end = pieces.end[piece];
  if (end !== undefined && position < end) return { piece, end };
  return { piece: undefined, end: pieces.start[piece + 1] ?? length };
}

/**
 * Visits the stretches of a range one after another.
 *
 * @param into as long as the range
 * @param visit receives the number of a piece, or `undefined` for the spool; the position in the region; and the part
 *   of `into` for the bytes there
 * @throws DIMGX_SOURCE_CHANGED if the region is shorter; what `visit` throws
 */
export function forEachStretch(
  region: RebuiltRegion<unknown>,
  position: number,
  into: Uint8Array,
  visit: (piece: number | undefined, at: number, part: Uint8Array) => void,
): void {
  if (position + into.length > region.length) sourceEnded();
  for (let done = 0; done < into.length; ) {
    const at = position + done;
    const { piece, end } = stretchAt(region, at);
    const part = into.subarray(done, done + end - at);
    visit(piece, at, part);
    done += part.length;
  }
}

/** Offset in the spool of a position that is in no piece. */
export function spoolOffset({ rebuilding: { pieces }, offset }: RebuiltRegion<unknown>, position: number): number {
  return offset + position - (pieces.total[pieceBefore(pieces.start, position)] ?? 0);
}

/** The last piece that begins at or before a position; -1 if none does. */
function pieceBefore(start: Float64Array, position: number): number {
  let low = -1;
  let high = start.length;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if ((start[middle] as number) <= position) low = middle;
    else high = middle;
  }
  return low;
}

/** Reads a rebuilt region synchronously: for worker threads, and for headers. Its user closes it. */
export class RebuiltReading {
  readonly #region: RebuiltRegion<number>;
  readonly #parts: RebuiltParts;
  readonly #spool = new SpoolWindow();
  readonly #spoolEnd: number;
  readonly #files: RebuiltFiles;

  constructor(region: RebuiltRegion<number>, parts: RebuiltParts) {
    this.#region = region;
    this.#parts = parts;
    this.#spoolEnd = spoolOffset(region, region.length);
    this.#files = new RebuiltFiles(region.rebuilding);
  }

  /**
   * As `ReadAt`.
   *
   * @throws DIMGX_STORE_FILE_CHANGED, DIMGX_SOURCE_CHANGED, DIMGX_SOURCE_UNREADABLE, DIMGX_TOO_MANY_FILES
   */
  readonly read = (into: Uint8Array, position: number): void => {
    const region = this.#region;
    forEachStretch(region, position, into, (piece, at, part) => {
      if (piece === undefined) this.#spool.read(region.file, spoolOffset(region, at), part, this.#spoolEnd);
      else if (this.#parts === 'spool') part.fill(0);
      else this.#files.read(piece, at, part);
    });
  };

  close(): void {
    this.#files.close();
  }
}

/** The files of a rebuilt region. One of them is open at a time. */
export class RebuiltFiles {
  readonly #rebuilding: Rebuilding;
  #tree: { readonly fd: number; readonly tree: FolderTree } | undefined;
  #open: RebuiltFile | LiveFile | undefined;

  constructor(rebuilding: Rebuilding) {
    this.#rebuilding = rebuilding;
  }

  /** Reads bytes of a piece from a position of the region on. @throws as `RebuiltReading.read` */
  read(piece: number, position: number, into: Uint8Array): void {
    const place = this.#find(piece, position);
    if (!place) return void into.fill(0);
    place.file.read(into, place.offset);
    if (this.#isEnd(piece, position + into.length)) this.#shut();
  }

  /** The same in another thread. The file is opened before this returns, and other files may be read meanwhile. */
  readLater(piece: number, position: number, into: Uint8Array): Promise<void> {
    const place = this.#find(piece, position);
    if (!place) return Promise.resolve(void into.fill(0));
    const reading = place.file.readLater(into, place.offset);
    // It stays open as long as it is read.
    if (this.#isEnd(piece, position + into.length)) this.#shut();
    return reading;
  }

  /** Compares a file with its checksum. @throws DIMGX_STORE_FILE_CHANGED, and as `RebuiltReading.read` */
  requireChecksum(number: number): void {
    const open = this.#openNumber(number);
    if (open instanceof RebuiltFile) open.requireChecksum();
  }

  close(): void {
    this.#open?.abandon();
    this.#open = undefined;
    if (!this.#tree) return;
    this.#tree.tree.close();
    closeSync(this.#tree.fd);
    this.#tree = undefined;
  }

  /** The file that a byte of a piece is in, and its offset there. @returns `undefined` if it is a zero byte */
  #find(
    piece: number,
    position: number,
  ): { readonly file: RebuiltFile | LiveFile; readonly offset: number } | undefined {
    const { start, file, from } = this.#rebuilding.pieces;
    const number = file[piece] as number;
    if (number === NO_FILE) return undefined;
    return { file: this.#openNumber(number), offset: (from[piece] as number) + position - (start[piece] as number) };
  }

  /** Whether nothing of a piece's file comes after a position. */
  #isEnd(piece: number, position: number): boolean {
    const { end, file } = this.#rebuilding.pieces;
    return position === end[piece] && file[piece + 1] !== file[piece];
  }

  /** The file of a number, until another one is opened. */
  #openNumber(number: number): RebuiltFile | LiveFile {
    if (this.#open?.number === number) return this.#open;
    this.#shut();
    const { pieces, lacking } = this.#rebuilding;
    const folder = this.#folder();
    this.#open = lacking ? LiveFile.open(folder, pieces, lacking, number) : RebuiltFile.open(folder, pieces, number);
    return this.#open;
  }

  #shut(): void {
    const open = this.#open;
    this.#open = undefined;
    open?.close();
  }

  #folder(): FolderTree {
    this.#tree ??= this.#openFolder();
    return this.#tree.tree;
  }

  #openFolder() {
    const { root, folder, links } = this.#rebuilding;
    const store = new FolderTree(root, 'none');
    try {
      const fd = store.openFolder(folder);
      return { fd, tree: new FolderTree(fd, links) };
    } catch (failure) {
      throw noFolder(folder, failure);
    } finally {
      store.close();
    }
  }
}

function noFolder(folder: string, cause: unknown): unknown {
  if (!isSystemError(cause)) return cause;
  const isGone = isSystemError(cause, 'ENOENT', 'ENOTDIR', 'ELOOP');
  const what = isGone
    ? 'was removed: the engine may have removed the image'
    : `cannot be read: ${withoutCall(reasonOf(cause))}`;
  const message = `the folder ${quoted(folder)} of the engine's storage ${what}`;
  return new DimgxError(isGone ? 'DIMGX_STORE_DAMAGED' : 'DIMGX_SOURCE_UNREADABLE', message, {
    ...pathData(folder),
    cause,
  });
}
