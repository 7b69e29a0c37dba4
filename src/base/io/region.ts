import type { Hash } from 'node:crypto';
import { read, readSync, readv } from 'node:fs';
import { promisify } from 'node:util';
import { DimgxError } from '../../errors.js';

/** A seekable file that contains regions. It need not be open while it is not being read. */
export interface RegionFile {
  /**
   * Keeps the file open until `release`, opening it if necessary.
   *
   * @returns its descriptor, for reads by position only
   * @throws DIMGX_ABORTED after `seal`; DIMGX_SOURCE_CHANGED if another file has taken its place;
   *   DIMGX_TOO_MANY_FILES, DIMGX_SOURCE_UNREADABLE
   */
  hold(): number | Promise<number>;
  /** Ends one `hold`. */
  release(): void;
  /** @throws DIMGX_SOURCE_CHANGED if the file was written since it was first opened; DIMGX_SOURCE_UNREADABLE */
  requireUnchanged(): Promise<void>;
  /** Makes every later `hold` fail. */
  seal(): void;
  /**
   * Calls `listener` once when the file is sealed.
   *
   * @returns unregisters the listener
   */
  onSeal(listener: () => void): () => void;
  /** Seals the file, and closes it once every hold is released. May be called twice. */
  close(): Promise<void>;
}

/**
 * A range of bytes in a seekable file. The code that opened the file closes it.
 *
 * @typeParam File a descriptor where the caller holds the file open
 */
export interface Region<File = RegionFile> {
  readonly file: File;
  /** Offset of the first byte, from the start of the file. */
  readonly offset: number;
  /** In bytes. */
  readonly length: number;
  /** Never set. A `PackedRegion` has it, whose bytes are not in the file as they are. */
  readonly archive?: undefined;
  /** Never set. A `RebuiltRegion` has it, whose bytes are in several files. */
  readonly rebuilding?: undefined;
}

/** A region of a file that is being held open. */
export type OpenRegion = Region<number>;

/**
 * Fills `into` with the bytes from `position` on, or fails with DIMGX_SOURCE_CHANGED. A synchronous implementation is
 * fine in a worker thread, where blocking delays nothing else.
 */
export type ReadAt = (into: Uint8Array, position: number) => void | Promise<void>;

/** @throws DIMGX_SOURCE_CHANGED always: for a `ReadAt` that reaches the end too early */
export function sourceEnded(): never {
  throw new DimgxError('DIMGX_SOURCE_CHANGED', 'the source became shorter while it was read');
}

const readAsync = promisify(read);
const readvAsync = promisify(readv);

/**
 * Reads a region by position. Reads may overlap. The file is held open only during each read.
 *
 * @throws DIMGX_SOURCE_CHANGED if the file is shorter than the region; what `RegionFile.hold` throws
 */
export function readRegion({ file, offset, length }: Region): ReadAt {
  return async (into, position) => {
    if (position + into.length > length) sourceEnded();
    const held = file.hold();
    const fd = typeof held === 'number' ? held : await held;
    try {
      for (let done = 0; done < into.length; ) {
        const from = offset + position + done;
        const { bytesRead } = await readAsync(fd, into, done, into.length - done, from).catch(refuse);
        if (bytesRead === 0) sourceEnded();
        done += bytesRead;
      }
    } finally {
      file.release();
    }
  };
}

/**
 * Reads a range of a region into several buffers in turn, at most `MAX_PIECES`, in one system call if possible.
 *
 * @throws as `readRegion`
 */
export function scatterRegion({
  file,
  offset,
  length,
}: Region): (into: readonly Uint8Array[], position: number) => Promise<void> {
  return async (into, position) => {
    let left = into.reduce((sum, view) => sum + view.length, 0);
    if (position + left > length) sourceEnded();
    const held = file.hold();
    const fd = typeof held === 'number' ? held : await held;
    try {
      let views: readonly Uint8Array[] = into;
      for (let at = offset + position; left > 0; ) {
        const { bytesRead } = await readvAsync(fd, views, at).catch(refuse);
        if (bytesRead === 0) sourceEnded();
        left -= bytesRead;
        at += bytesRead;
        if (left > 0) views = restOfPieces(views, bytesRead);
      }
    } finally {
      file.release();
    }
  };
}

/** Reads a region of an open file synchronously: for worker threads, and for headers. */
export function readRegionSync({ file, offset, length }: OpenRegion): ReadAt {
  return (into, position) => {
    if (position + into.length > length) sourceEnded();
    for (let done = 0; done < into.length; ) {
      const bytesRead = readNow(file, into, done, offset + position + done);
      if (bytesRead === 0) sourceEnded();
      done += bytesRead;
    }
  };
}

/**
 * Checks at the end of the work that the files did not change between reads.
 *
 * @throws as `RegionFile.requireUnchanged`
 */
export async function requireUnchanged(regions: readonly Pick<Region, 'file'>[]): Promise<void> {
  await Promise.all([...new Set(regions.map(({ file }) => file))].map((file) => file.requireUnchanged()));
}

function readNow(fd: number, into: Uint8Array, done: number, position: number): number {
  try {
    return readSync(fd, into, done, into.length - done, position);
  } catch (error) {
    return refuse(error);
  }
}

function refuse(error: unknown): never {
  const reason = error instanceof Error ? error.message : String(error);
  throw new DimgxError('DIMGX_SOURCE_UNREADABLE', `the source cannot be read: ${reason}`, { cause: error });
}

/**
 * Distance of a large block of memory from the next multiple of 64 bytes: glibc puts 16 bytes before it on its page.
 */
const OFF_ALIGNMENT = 48;

/**
 * Allocates a buffer to read large pieces of files into. Files are mostly read from multiples of 512 bytes on. If the
 * kernel copies to an address that lies 1 to 31 bytes further into its page than the source does, an AMD EPYC takes
 * three times as long: 0.5 s for 1 GB instead of 0.16 s (measured). Buffers of Node usually lie 16 bytes into a page.
 */
export function readBuffer(length: number): Buffer {
  return Buffer.allocUnsafeSlow(OFF_ALIGNMENT + length).subarray(OFF_ALIGNMENT);
}

const PIECE = 1024 * 1024;

/**
 * Feeds the first `length` bytes to all hashes in one pass.
 *
 * @param onBytes called with the number of bytes hashed since the last call
 * @throws as `read`
 */
export async function hashRegion(
  read: ReadAt,
  length: number,
  hashes: readonly Hash[],
  onBytes: (bytes: number) => void = () => {},
): Promise<void> {
  const buffer = readBuffer(Math.min(PIECE, length));
  for (let position = 0; position < length; ) {
    const bytes = buffer.subarray(0, length - position);
    await read(bytes, position);
    for (const hash of hashes) hash.update(bytes);
    position += bytes.length;
    onBytes(bytes.length);
  }
}

/** Two buffers of one length for the pieces of a region. */
export type PieceBuffers = readonly [Buffer, Buffer];

/** @param size length of a piece, in bytes, unless the region is shorter */
export function pieceBuffers(length: number, size: number): PieceBuffers {
  const room = Math.min(size, length);
  return [readBuffer(room), readBuffer(room)];
}

/**
 * Yields the bytes of a region in order. The buffers are used in turn, so a piece is overwritten once the next but one
 * is requested.
 *
 * @throws as `read`
 */
export async function* piecesOfRegion(
  read: ReadAt,
  length: number,
  [first, second]: PieceBuffers,
): AsyncGenerator<Buffer, void, void> {
  let [buffer, other] = [first, second];
  for (let position = 0; position < length; position += buffer.length) {
    const bytes = buffer.subarray(0, length - position);
    await read(bytes, position);
    yield bytes;
    [buffer, other] = [other, buffer];
  }
}

/** Maximum number of pieces in one vectored read or write. Source: POSIX, IOV_MAX, which is 1024 on Linux. */
export const MAX_PIECES = 512;

/** The pieces that remain after `done` bytes have been read or written. */
export function restOfPieces<Piece extends Uint8Array>(pieces: readonly Piece[], done: number): Piece[] {
  let left = done;
  return pieces.flatMap((piece) => {
    const gone = Math.min(left, piece.length);
    left -= gone;
    return gone === piece.length ? [] : [piece.subarray(gone) as Piece];
  });
}
