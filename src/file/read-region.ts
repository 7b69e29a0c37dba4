import { fstat, read, readSync, readv } from 'node:fs';
import { promisify } from 'node:util';
import { DimgxError } from '../errors.js';
import type { Region } from '../image/region.js';
import { type ReadAt, sourceEnded } from '../tar/scan.js';
import { restOfPieces } from './rest-of-pieces.js';

const readAsync = promisify(read);
const readvAsync = promisify(readv);
const statDescriptor = promisify(fstat);

/**
 * Reads a region by position. Several reads may be under way at once.
 *
 * @throws DIMGX_EXTRACT_CHANGED when the file is shorter than the region; DIMGX_SOURCE_UNREADABLE
 */
export function readRegion({ fd, offset, length }: Region): ReadAt {
  return async (into, position) => {
    if (position + into.length > length) sourceEnded();
    for (let done = 0; done < into.length; ) {
      const { bytesRead } = await readAsync(fd, into, done, into.length - done, offset + position + done).catch(refuse);
      if (bytesRead === 0) sourceEnded();
      done += bytesRead;
    }
  };
}

/**
 * Reads a stretch of a region into several buffers in turn, `MAX_PIECES` at most, in one call of the system.
 *
 * @throws as `readRegion`
 */
export function scatterRegion({
  fd,
  offset,
  length,
}: Region): (into: readonly Uint8Array[], position: number) => Promise<void> {
  return async (into, position) => {
    let left = into.reduce((sum, view) => sum + view.length, 0);
    if (position + left > length) sourceEnded();
    let views: readonly Uint8Array[] = into;
    for (let at = offset + position; left > 0; ) {
      const { bytesRead } = await readvAsync(fd, views, at).catch(refuse);
      if (bytesRead === 0) sourceEnded();
      left -= bytesRead;
      at += bytesRead;
      if (left > 0) views = restOfPieces(views, bytesRead);
    }
  };
}

/** As `readRegion`, but without waiting for other work: only for worker threads. */
export function readRegionSync({ fd, offset, length }: Region): ReadAt {
  return (into, position) => {
    if (position + into.length > length) sourceEnded();
    for (let done = 0; done < into.length; ) {
      const bytesRead = readNow(fd, into, done, offset + position + done);
      if (bytesRead === 0) sourceEnded();
      done += bytesRead;
    }
  };
}

/**
 * Checks at the end of the work that what was read at different times was one and the same.
 *
 * @throws DIMGX_EXTRACT_CHANGED when the region's file has been written since it was opened; DIMGX_SOURCE_UNREADABLE
 */
export async function requireUnchanged({ fd, modified }: Region): Promise<void> {
  if (modified === undefined) return;
  const { mtimeNs } = await statDescriptor(fd, { bigint: true }).catch(refuse);
  if (mtimeNs === modified) return;
  throw new DimgxError('DIMGX_EXTRACT_CHANGED', 'the source was written to while it was read: try again');
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
