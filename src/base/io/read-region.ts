import { read, readSync, readv } from 'node:fs';
import { promisify } from 'node:util';
import { DimgxError } from '../../errors.js';
import { type ReadAt, sourceEnded } from './read-at.js';
import type { OpenRegion, Region } from './region.js';
import { restOfPieces } from './rest-of-pieces.js';

const readAsync = promisify(read);
const readvAsync = promisify(readv);

/**
 * Reads a region by position. Reads may overlap. The file is held open only during each read.
 *
 * @throws DIMGX_EXTRACT_CHANGED if the file is shorter than the region; what `RegionFile.hold` throws
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
export async function requireUnchanged(regions: readonly Region[]): Promise<void> {
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
