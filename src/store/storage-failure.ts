import { constants } from 'node:os';

/** What the operating system says when it is not the download that fails, but what it is written to. */
const CODES: ReadonlySet<unknown> = new Set([
  'ENOSPC',
  'EFBIG',
  'EROFS',
  'EIO',
  'EACCES',
  'EPERM',
  'ENOTSUP',
  'ENOENT',
]);
/** A quota that is used up: Node has a number for it, but no name. */
const QUOTA_USED_UP = -constants.errno.EDQUOT;
/** Of a network come other calls. */
const CALLS: ReadonlySet<unknown> = new Set([
  ...['open', 'write', 'read', 'ftruncate', 'fsync', 'fdatasync', 'fstat', 'futime'],
  ...['mkdir', 'rename', 'scandir', 'statfs', 'unlink'],
]);

/** The same, found out by dimgx. */
class StorageError extends Error {}

/** @param message why the cache cannot be used for something */
export function storageError(message: string): Error {
  return new StorageError(message);
}

/** The error of the operating system, or of dimgx, that says so, be it the cause of another. */
export function storageFailure(failure: unknown): Error | undefined {
  for (let at: unknown = failure; at instanceof Error; at = at.cause) {
    if (at instanceof StorageError) return at;
    const { code, errno, syscall } = at as NodeJS.ErrnoException;
    if (CALLS.has(syscall) && (CODES.has(code) || errno === QUOTA_USED_UP)) return at;
  }
  return undefined;
}
