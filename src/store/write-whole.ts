import { randomBytes } from 'node:crypto';
import { mkdir, open, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { restOfPieces } from '../file/rest-of-pieces.js';
import { removeFile } from './cache-files.js';

/**
 * Writes a file of which readers see all or nothing, in the place of one of that name.
 *
 * @param aside a folder on the same disk, for what is not whole yet
 * @throws what the operating system says; nothing is left then
 */
export async function writeWhole(path: string, parts: readonly Uint8Array[], aside: string): Promise<void> {
  await mkdir(aside, { recursive: true, mode: 0o700 });
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = join(aside, `whole-${randomBytes(8).toString('hex')}`);
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      for (let left = parts.filter(({ length }) => length > 0); left.length > 0; ) {
        const { bytesWritten } = await file.writev(left);
        left = restOfPieces(left, bytesWritten);
      }
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (failure) {
    await removeFile(temporary).catch(() => undefined);
    throw failure;
  }
}
