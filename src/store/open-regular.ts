import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { printable } from '../image/printable.js';
import { StorageFailure } from './storage-failure.js';

/**
 * Opens a file in the folder of a cache, without waiting for what is none: a FIFO that nobody writes to.
 *
 * @throws StorageFailure for what is no regular file; what the operating system says
 */
export async function openRegular(path: string, flags: number, mode?: number): Promise<FileHandle> {
  const file = await open(path, flags | constants.O_NONBLOCK, mode);
  try {
    if ((await file.stat()).isFile()) return file;
    throw new StorageFailure(`${printable(path, 300)} is no regular file`);
  } catch (failure) {
    await file.close();
    throw failure;
  }
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
