import type { FileHandle } from 'node:fs/promises';
import { DimgxError } from '../errors.js';
import { algorithmOf, type Digest } from '../reference/digest.js';
import type { DownloadBlob } from './blob-cache.js';
import { hashGrowing } from './hash-growing.js';
import { writeFailure } from './storage-failure.js';

export interface WantedBlob {
  readonly digest: Digest;
  /** In bytes. */
  readonly size: number;
}

/**
 * Has what is missing of a blob appended to a file, and checks all that then lies in it.
 *
 * @param file opened for appending: Linux then adds to its end wherever one wants to write, so that nothing that has been
 *   hashed can be written over
 * @param start where the blob begins in the file, in bytes
 * @param from how much is there already, in bytes
 * @throws DIMGX_IMAGE_SIZE_MISMATCH, DIMGX_IMAGE_DIGEST_MISMATCH; StorageFailure when the file takes no more; what
 *   `download` throws
 */
export async function receiveBlob(
  file: FileHandle,
  { digest, size }: WantedBlob,
  from: number,
  download: DownloadBlob,
  start = 0,
): Promise<void> {
  const writing = from === size && size > 0 ? Promise.resolve() : callAsync(download, { fd: file.fd, start, from });
  if (process.platform !== 'linux') await writing;
  const hashing = hashGrowing(file, algorithmOf(digest), writing, start);
  // Whatever fails: the file may be closed once nobody writes to it, nor reads it.
  await Promise.allSettled([writing, hashing]);
  await writing;
  const { hex, length } = await hashing;
  const stored = (await file.stat()).size - start;
  if (length !== size || stored !== size) {
    throw otherSize(digest, Math.max(length, stored), size);
  }
  const found = `${algorithmOf(digest)}:${hex}`;
  if (found !== digest) {
    const message = `the blob ${digest} is damaged: the bytes that came have the digest ${found}`;
    throw new DimgxError('DIMGX_IMAGE_DIGEST_MISMATCH', message);
  }
}

export function otherSize(digest: Digest, actual: number, size: number): DimgxError {
  const message = `the blob ${digest} is ${actual} bytes long, not ${size}: the image is damaged or was altered`;
  return new DimgxError('DIMGX_IMAGE_SIZE_MISMATCH', message);
}

/** What came is not what was asked for, whoever is to blame. */
export function isMismatch(failure: unknown): boolean {
  const code = failure instanceof DimgxError ? failure.code : undefined;
  return code === 'DIMGX_IMAGE_SIZE_MISMATCH' || code === 'DIMGX_IMAGE_DIGEST_MISMATCH';
}

async function callAsync(download: DownloadBlob, target: Parameters<DownloadBlob>[0]): Promise<void> {
  try {
    await download(target);
  } catch (failure) {
    throw writeFailure(failure) ?? failure;
  }
}
