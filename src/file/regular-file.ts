import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { DimgxError } from '../errors.js';
import { MAX_DOCUMENT } from '../image/limits.js';
import { printable } from '../image/printable.js';

/**
 * Reads a small file of the user's, all of it.
 *
 * @throws what the operating system says; DIMGX_SOURCE_BAD_MEMBER for what is no regular file, DIMGX_IMAGE_TOO_LARGE
 */
export async function readRegularFile(path: string): Promise<Buffer> {
  // a FIFO that nobody writes to would be waited for
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const about = await file.stat();
    if (!about.isFile()) throw new DimgxError('DIMGX_SOURCE_BAD_MEMBER', `${printable(path, 300)} is no regular file`);
    if (about.size > MAX_DOCUMENT) {
      throw new DimgxError('DIMGX_IMAGE_TOO_LARGE', `${printable(path, 300)} is larger than ${MAX_DOCUMENT} bytes`);
    }
    return await file.readFile();
  } finally {
    await file.close();
  }
}
