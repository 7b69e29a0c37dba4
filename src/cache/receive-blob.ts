import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { readBuffer } from '../base/io/region.js';
import { DimgxError } from '../errors.js';
import { algorithmOf, type Digest, requireDigest } from '../reference/digest.js';
import type { DownloadBlob } from './blob-cache.js';
import { writeFailure } from './storage-failure.js';

export interface ExpectedBlob {
  readonly digest: Digest;
  /** In bytes. */
  readonly size: number;
}

/**
 * Has the missing part of a blob appended to a file, and verifies the whole blob.
 *
 * @param file opened for appending: Linux then puts every write at the end, whatever its offset, so bytes already
 *   hashed cannot be overwritten
 * @param start offset in the file at which the blob begins
 * @param from how many bytes of the blob the file already has
 * @throws DIMGX_IMAGE_SIZE_MISMATCH, DIMGX_IMAGE_DIGEST_MISMATCH; StorageFailure when the file takes no more; any error
 *   of `download`
 */
export async function receiveBlob(
  file: FileHandle,
  { digest, size }: ExpectedBlob,
  from: number,
  download: DownloadBlob,
  start = 0,
): Promise<void> {
  const writing = from === size && size > 0 ? Promise.resolve() : callAsync(download, { fd: file.fd, start, from });
  if (process.platform !== 'linux') await writing;
  const hashing = hashGrowing(file, algorithmOf(digest), writing, start);
  // On any failure, wait for both: the caller may then close the file.
  await Promise.allSettled([writing, hashing]);
  await writing;
  const { hex, length } = await hashing;
  const stored = (await file.stat()).size - start;
  if (length !== size || stored !== size) {
    throw otherSize(digest, Math.max(length, stored), size);
  }
  requireDigest(digest, hex, (found) => `the blob ${digest} is damaged: the bytes received have the digest ${found}`);
}

export function otherSize(digest: Digest, actual: number, size: number): DimgxError {
  const message = `the blob ${digest} is ${actual} bytes long, not ${size}: the image is damaged or was altered`;
  return new DimgxError('DIMGX_IMAGE_SIZE_MISMATCH', message);
}

async function callAsync(download: DownloadBlob, target: Parameters<DownloadBlob>[0]): Promise<void> {
  try {
    await download(target);
  } catch (failure) {
    throw writeFailure(failure) ?? failure;
  }
}

const PIECE = 1024 * 1024;
/** Delay between checks for newly written bytes, in milliseconds. */
const PERIOD = 20;

/**
 * Hashes a file while it is being appended to. It reads the bytes back from the file, so the hash covers what is
 * actually stored.
 *
 * @param written settles when nothing more will be written; if it rejects, the rest of the file is not read
 * @param start offset of the first byte to hash
 * @returns the hash, in hex digits, and the number of bytes hashed
 */
export async function hashGrowing(
  file: FileHandle,
  algorithm: string,
  written: Promise<unknown>,
  start = 0,
): Promise<{ readonly hex: string; readonly length: number }> {
  let state: 'growing' | 'written' | 'failed' = 'growing';
  const become = (next: 'written' | 'failed') => () => {
    state = next;
  };
  const settled = written.then(become('written'), become('failed'));
  const hash = createHash(algorithm);
  const buffer = readBuffer(PIECE);
  let length = 0;
  for (;;) {
    const before = state as 'growing' | 'written' | 'failed';
    if (before === 'failed') break;
    const { bytesRead } = await file.read(buffer, 0, PIECE, start + length);
    hash.update(buffer.subarray(0, bytesRead));
    length += bytesRead;
    if (bytesRead > 0) continue;
    if (before === 'written') break;
    const timer = new AbortController();
    await Promise.race([settled, sleep(PERIOD, undefined, { signal: timer.signal }).catch(() => undefined)]);
    timer.abort();
  }
  return { hex: hash.digest('hex'), length };
}
