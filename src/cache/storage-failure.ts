import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isSystemError, QUOTA_USED_UP } from '../errors.js';

/** Errors about the storage location, rather than about the data. */
const PLACE = ['ENOSPC', 'EFBIG', 'EROFS', 'EIO', 'EACCES', 'EPERM', 'ENOTSUP', 'ENOENT'];
/** Errors that occur when something other than a file or a folder is in the way. */
const OTHER_KIND = ['EISDIR', 'ELOOP', 'EEXIST', 'ENOTDIR', 'ENXIO'];
/** Errors that occur when nothing more can be written. */
const FULL = ['ENOSPC', 'EFBIG', 'EROFS', 'EIO'];

/** Something cannot be stored. It can still be used without being stored. */
export class StorageFailure extends Error {}

/** Rejects a download that cannot fit on the disk before it starts. @throws StorageFailure */
export async function requireRoom(path: string, needed: number): Promise<void> {
  const { bavail, bsize } = await statfs(dirname(path));
  if (bavail * bsize >= needed) return;
  const message = `${needed} bytes are needed and ${bavail * bsize} are free`;
  throw new StorageFailure(message);
}

/** @returns the reason why something cannot be stored; `undefined` if the failure is another one */
export function storageFailure(failure: unknown): Error | undefined {
  return failure instanceof StorageFailure || isSystemError(failure, ...PLACE, ...OTHER_KIND) || isQuota(failure)
    ? (failure as Error)
    : undefined;
}

/**
 * The same for an error thrown by a download, looking only at failed writes. Failures of its network, or to open its
 * own files, do not concern the storage.
 */
export function writeFailure(failure: unknown): StorageFailure | undefined {
  for (let at: unknown = failure; at instanceof Error; at = at.cause) {
    const isWrite = isSystemError(at) && /^(?:write|ftruncate)/.test(at.syscall ?? '');
    if (isWrite && (isSystemError(at, ...FULL) || isQuota(at)))
      return new StorageFailure(at.message, { cause: failure });
  }
  return undefined;
}

function isQuota(failure: unknown): boolean {
  return isSystemError(failure) && failure.errno === QUOTA_USED_UP;
}
