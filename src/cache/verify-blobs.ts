import { isSystemError, throwIfAborted } from '../errors.js';
import { algorithmOf, type Digest, hexOf } from '../reference/digest.js';
import { type CacheEntry, type CacheFiles, openRegular, READ_QUIETLY } from './cache-files.js';
import { hashGrowing } from './receive-blob.js';
import { StorageFailure } from './storage-failure.js';

export interface VerifyOptions {
  readonly signal: AbortSignal;
  /** Called for each blob once it has been hashed. */
  readonly onVerified: (entry: CacheEntry) => void;
}

/**
 * Hashes every blob, and discards the damaged ones.
 *
 * @returns the discarded blobs
 * @throws the operating system's error; DIMGX_ABORTED
 */
export async function verifyBlobs(
  files: CacheFiles,
  entries: readonly CacheEntry[],
  { signal, onVerified }: VerifyOptions,
): Promise<readonly CacheEntry[]> {
  const damaged: CacheEntry[] = [];
  for (const entry of entries) {
    throwIfAborted(signal);
    const isRight = await isIntact(files.blob(entry.digest), entry.digest);
    if (isRight === undefined) continue;
    if (!isRight) damaged.push(entry);
    if (!isRight) await files.remove(entry.digest);
    onVerified(entry);
  }
  return damaged;
}

/**
 * Hashes a blob.
 *
 * @returns `undefined` if it does not exist
 * @throws the operating system's error
 */
export async function isIntact(path: string, digest: Digest): Promise<boolean | undefined> {
  try {
    const file = await openRegular(path, READ_QUIETLY);
    try {
      return (await hashGrowing(file, algorithmOf(digest), Promise.resolve())).hex === hexOf(digest);
    } finally {
      await file.close();
    }
  } catch (failure) {
    if (isSystemError(failure, 'ENOENT')) return undefined;
    // A blob that cannot be read, because the disk is broken or because it is not a regular file, counts as damaged.
    if (failure instanceof StorageFailure || isSystemError(failure, 'EIO', 'ELOOP', 'ENXIO')) return false;
    throw failure;
  }
}
