import type { BigIntStats, Stats } from 'node:fs';
import { pathData, quoted } from '../base/text/printable.js';
import { DimgxError } from '../errors.js';

type Found = Stats | BigIntStats;

/**
 * Checks whether a new file, link or symlink may take the place of what is there.
 *
 * @param path as the caller would name it
 * @param force whether files and symlinks may be replaced
 * @throws DIMGX_TARGET_EXISTS; DIMGX_TARGET_UNWRITABLE for what is never replaced
 */
export function requireReplaceable(path: Uint8Array, found: Found, force: boolean): void {
  if (!found.isFile() && !found.isSymbolicLink()) throw inTheWay(path, found, 'a file');
  if (!force) throw new DimgxError('DIMGX_TARGET_EXISTS', `${quoted(path)} exists`, pathData(path));
}

export function inTheWay(path: Uint8Array, found: Found, wanted: string): DimgxError {
  return refused(path, `is ${kindOf(found)}, where ${wanted} must go: choose another folder`);
}

/** For a name that this run has made itself, or that another program has made meanwhile. */
export function twice(path: Uint8Array): DimgxError {
  return refused(path, 'exists by now: this file system may take two names of the image for one');
}

export function refused(path: Uint8Array | string, why: string, cause?: unknown): DimgxError {
  return new DimgxError('DIMGX_TARGET_UNWRITABLE', `${quoted(path)} ${why}`, { ...pathData(path), cause });
}

function kindOf(found: Found): string {
  if (found.isDirectory()) return 'a directory';
  if (found.isSymbolicLink()) return 'a symlink';
  if (found.isFile()) return 'a file';
  if (found.isFIFO()) return 'a FIFO';
  return found.isSocket() ? 'a socket' : 'a device';
}
