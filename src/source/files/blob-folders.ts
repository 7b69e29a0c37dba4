import { close, constants, fstat, open } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { openFiles } from '../../base/io/open-file-table.js';
import { PathFile } from '../../base/io/path-file.js';
import { pathData, quoted, reasonOf } from '../../base/text/printable.js';
import { DimgxError, isSystemError } from '../../errors.js';
import { algorithmOf, type Digest, hexOf } from '../../reference/digest.js';
import type { OpenFile } from './files.js';

const openDescriptor = promisify(open);
const closeDescriptor = promisify(close);
const statDescriptor = promisify(fstat);

/** A blob in one of the user's folders. It has not been compared with its digest yet. */
export interface FoundBlob extends OpenFile {
  readonly path: string;
  /** Changes when the file is replaced or written to. */
  readonly version: string;
}

/**
 * Looks for a blob in the folders that the user names: as `DIR/ALGORITHM/HEX`, `DIR/HEX` or `DIR/blobs/ALGORITHM/HEX`.
 * Symlinks may lead anywhere. Anything but a regular file is passed over.
 *
 * @returns `undefined` if no folder has it
 * @throws system errors, DIMGX_TOO_MANY_FILES
 */
export async function findInFolders(folders: readonly string[], digest: Digest): Promise<FoundBlob | undefined> {
  const [algorithm, hex] = [algorithmOf(digest), hexOf(digest)];
  for (const folder of folders) {
    for (const place of [[algorithm, hex], [hex], ['blobs', algorithm, hex]]) {
      const found = await openBlob(resolve(join(folder, ...place)));
      if (found) return found;
    }
  }
  return undefined;
}

/**
 * Checks the folders before they are searched.
 *
 * @throws DIMGX_SOURCE_NOT_FOUND, DIMGX_SOURCE_UNREADABLE
 */
export async function checkBlobFolders(folders: readonly string[]): Promise<void> {
  for (const folder of folders) {
    const what = `the folder of --blobs, ${quoted(folder)},`;
    const isDirectory = await isUsableDirectory(folder).catch((cause: unknown) => {
      if (isSystemError(cause, 'ENOENT', 'ENOTDIR')) {
        throw new DimgxError('DIMGX_SOURCE_NOT_FOUND', `${what} is not there`, { ...pathData(folder), cause });
      }
      const message = `${what} cannot be used: ${reasonOf(cause)}`;
      throw new DimgxError('DIMGX_SOURCE_UNREADABLE', message, { ...pathData(folder), cause });
    });
    if (!isDirectory) throw new DimgxError('DIMGX_SOURCE_NOT_FOUND', `${what} is not a directory`, pathData(folder));
  }
}

async function isUsableDirectory(folder: string): Promise<boolean> {
  if (!(await stat(folder)).isDirectory()) return false;
  await access(folder, constants.X_OK);
  return true;
}

async function openBlob(path: string): Promise<FoundBlob | undefined> {
  try {
    if (!(await stat(path)).isFile()) return undefined;
  } catch (failure) {
    if (isSystemError(failure, 'ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG')) return undefined;
    throw failure;
  }
  // Does not block if a FIFO has replaced the file.
  const flags = constants.O_RDONLY | constants.O_NONBLOCK;
  const fd = await openFiles.makeRoomFor(() => openDescriptor(path, flags));
  try {
    const stats = await statDescriptor(fd, { bigint: true });
    if (stats.isFile()) {
      const file = new PathFile({ path, identity: stats, isLink: true }, fd);
      const version = [stats.dev, stats.ino, stats.size, stats.mtimeNs].join(' ');
      return { path, version, region: { file, offset: 0, length: Number(stats.size) }, close: () => file.close() };
    }
  } catch (failure) {
    await closeDescriptor(fd);
    throw failure;
  }
  await closeDescriptor(fd);
  return undefined;
}
