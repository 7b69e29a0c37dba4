import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { DimgxError } from '../../errors.js';
import { MAX_DOCUMENT } from '../limits.js';
import { printable } from '../text/printable.js';

/**
 * Opens a regular file without blocking on a FIFO.
 *
 * @param refusal creates the error to throw for anything else, from a message
 * @throws the operating system's errors; what `refusal` returns
 */
export async function openRegularFile(
  path: string,
  refusal: (message: string) => Error,
  flags: number = constants.O_RDONLY,
  mode?: number,
): Promise<FileHandle> {
  const file = await open(path, flags | constants.O_NONBLOCK, mode);
  try {
    if ((await file.stat()).isFile()) return file;
    throw refusal(`${printable(path, 300)} is no regular file`);
  } catch (failure) {
    await file.close();
    throw failure;
  }
}

/**
 * Reads a small file of the user, all of it.
 *
 * @throws the operating system's errors; DIMGX_SOURCE_BAD_MEMBER if it is not a regular file, DIMGX_IMAGE_TOO_LARGE
 */
export async function readRegularFile(path: string): Promise<Buffer> {
  const file = await openRegularFile(path, (message) => new DimgxError('DIMGX_SOURCE_BAD_MEMBER', message));
  try {
    const { size } = await file.stat();
    if (size <= MAX_DOCUMENT) return await file.readFile();
    throw new DimgxError('DIMGX_IMAGE_TOO_LARGE', `${printable(path, 300)} is larger than ${MAX_DOCUMENT} bytes`);
  } finally {
    await file.close();
  }
}
