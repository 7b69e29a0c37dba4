import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { openRegularFile } from '../base/io/regular-file.js';
import { StorageFailure } from './storage-failure.js';

/**
 * Opens a file in the folder of a cache.
 *
 * @throws StorageFailure for what is no regular file; what the operating system says
 */
export function openRegular(path: string, flags: number, mode?: number): Promise<FileHandle> {
  return openRegularFile(path, (message) => new StorageFailure(message), flags, mode);
}

/** Reads all of such a file. @throws as `openRegular` */
export async function readRegular(path: string): Promise<Buffer<ArrayBuffer>> {
  const file = await openRegular(path, constants.O_RDONLY);
  try {
    return await file.readFile();
  } finally {
    await file.close();
  }
}
