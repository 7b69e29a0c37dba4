import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { openRegularFile } from '../base/io/regular-file.js';
import { StorageFailure } from './storage-failure.js';

/**
 * Opens a file in a cache folder.
 *
 * @throws StorageFailure if it is not a regular file; the operating system's error
 */
export function openRegular(path: string, flags: number, mode?: number): Promise<FileHandle> {
  return openRegularFile(path, (message) => new StorageFailure(message), flags, mode);
}

/** Reads a whole file in a cache folder. @throws as `openRegular` */
export async function readRegular(path: string): Promise<Buffer<ArrayBuffer>> {
  const file = await openRegular(path, constants.O_RDONLY);
  try {
    return await file.readFile();
  } finally {
    await file.close();
  }
}
