import { type FileHandle, open, rename, unlink } from 'node:fs/promises';

/**
 * Writes a file of which others see all or nothing, in the place of one of that name; only its owner can read it.
 *
 * @param temporary where it is until it is whole: on the same disk
 * @throws what `write` throws and what the operating system says; nothing is left then
 */
export async function replaceFile(
  path: string,
  temporary: string,
  write: (file: FileHandle) => Promise<void>,
): Promise<void> {
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await write(file);
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (failure) {
    await unlink(temporary).catch(() => undefined);
    throw failure;
  }
}
