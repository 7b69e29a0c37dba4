import { read, readSync } from 'node:fs';
import { promisify } from 'node:util';
import { DimgxError } from '../errors.js';
import type { Region } from '../image/region.js';
import { type ReadAt, sourceEnded } from '../tar/scan.js';

const readAsync = promisify(read);

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

/** The same without waiting for other work: only for worker threads. */
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
