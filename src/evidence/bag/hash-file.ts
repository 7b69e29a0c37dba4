import { createHash } from 'node:crypto';
import { type BigIntStats, fstatSync, read, readSync } from 'node:fs';
import { promisify } from 'node:util';
import { hashRegion, type ReadAt, sourceEnded } from '../../base/io/region.js';
import { DimgxError } from '../../errors.js';
import type { BagAlgorithm } from './algorithms.js';

const readAsync = promisify(read);

/** Size in bytes up to which a file is read at once: to wait for another thread takes longer than to read it. */
const SMALL = 2 ** 16;

/**
 * Computes digests of an open file, all in one pass.
 *
 * @param before the file's status when it was opened
 * @param onBytes called with the number of bytes hashed since the last call; may throw
 * @returns a digest for each algorithm
 * @throws DIMGX_SOURCE_CHANGED if the file is written to meanwhile; the operating system's errors; what `onBytes` throws
 */
export async function hashFile(
  fd: number,
  before: BigIntStats,
  algorithms: readonly BagAlgorithm[],
  onBytes: (bytes: number) => void,
): Promise<readonly Buffer[]> {
  const hashes = algorithms.map((algorithm) => createHash(algorithm));
  const size = Number(before.size);
  await hashRegion(size <= SMALL ? readNow(fd) : readLater(fd), size, hashes, onBytes);
  const after = fstatSync(fd, { bigint: true });
  if (after.size !== before.size || after.mtimeNs !== before.mtimeNs) {
    throw new DimgxError('DIMGX_SOURCE_CHANGED', 'the file was written to while it was read');
  }
  return hashes.map((hash) => hash.digest());
}

function readNow(fd: number): ReadAt {
  return (into, position) => {
    for (let done = 0; done < into.length; ) {
      const bytesRead = readSync(fd, into, done, into.length - done, position + done);
      if (bytesRead === 0) sourceEnded();
      done += bytesRead;
    }
  };
}

function readLater(fd: number): ReadAt {
  return async (into, position) => {
    for (let done = 0; done < into.length; ) {
      const { bytesRead } = await readAsync(fd, into, done, into.length - done, position + done);
      if (bytesRead === 0) sourceEnded();
      done += bytesRead;
    }
  };
}
