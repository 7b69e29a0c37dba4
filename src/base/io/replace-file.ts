import { type FileHandle, open, rename, unlink } from 'node:fs/promises';

/**
 * Atomically writes a file, replacing any file at `path`. Only its owner can read it.
 *
 * @param temporary path to write to until the file is complete; on the same disk
 * @throws what `write` throws, and the operating system's errors; no temporary file is left then
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
