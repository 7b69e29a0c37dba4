import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';
import { makeFolder } from '../base/io/folders.js';
import { restOfPieces } from '../base/io/region.js';
import { replaceFile } from '../base/io/regular-file.js';

/**
 * Writes a file atomically: readers see all of it or nothing. Replaces any file of that name.
 *
 * @param aside a folder on the same disk, for the unfinished file
 * @throws the operating system's error; nothing is left behind then
 */
export async function writeWhole(path: string, parts: readonly Uint8Array[], aside: string): Promise<void> {
  await makeFolder(aside, 0o700);
  await makeFolder(dirname(path), 0o700);
  const temporary = join(aside, `whole-${randomBytes(8).toString('hex')}`);
  await replaceFile(path, temporary, async (file) => {
    for (let left = parts.filter(({ length }) => length > 0); left.length > 0; ) {
      const { bytesWritten } = await file.writev(left);
      left = restOfPieces(left, bytesWritten);
    }
  });
}
