import { constants } from 'node:os';
import { isSystemError } from '../base/io/system-error.js';

/** What the operating system says of the place where things are kept, and not of what is kept there. */
const PLACE = ['ENOSPC', 'EFBIG', 'EROFS', 'EIO', 'EACCES', 'EPERM', 'ENOTSUP', 'ENOENT'];
/** What it says when something else lies there than a file, or a folder. */
const OTHER_KIND = ['EISDIR', 'ELOOP', 'EEXIST', 'ENOTDIR', 'ENXIO'];
/** What it says when no more can be written. */
const FULL = ['ENOSPC', 'EFBIG', 'EROFS', 'EIO'];
/** A quota that is used up: Node has a number for it, but no name. */
const QUOTA_USED_UP = -constants.errno.EDQUOT;

/** Something cannot be kept; it can be had without being kept. */
export class StorageFailure extends Error {}

/** @returns why something cannot be kept; `undefined` when it is something else that has failed */
export function storageFailure(failure: unknown): Error | undefined {
  return failure instanceof StorageFailure || isSystemError(failure, ...PLACE, ...OTHER_KIND) || isQuota(failure)
    ? (failure as Error)
    : undefined;
}

/** The same of what a download has thrown: its network, and its own files, are no concern of who keeps what it writes. */
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
