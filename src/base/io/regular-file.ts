import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { DimgxError } from '../../errors.js';
import { MAX_DOCUMENT } from '../limits.js';
import { printable } from '../text/printable.js';

/**
 * Opens a file without waiting for what is none: a FIFO that nobody writes to.
 *
 * @param refusal what to throw for what is no regular file, by what there is to say of it
 * @throws what the operating system says
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
 * Reads a small file of the user's, all of it.
 *
 * @throws what the operating system says; DIMGX_SOURCE_BAD_MEMBER for what is no regular file, DIMGX_IMAGE_TOO_LARGE
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
