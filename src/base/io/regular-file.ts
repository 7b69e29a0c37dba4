import { constants } from 'node:fs';
import { type FileHandle, open, rename, unlink } from 'node:fs/promises';
import { DimgxError } from '../../errors.js';
import { MAX_DOCUMENT } from '../limits.js';
import { tryParseJson } from '../text/go-json.js';
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
    throw refusal(`${printable(path, 300)} is not a regular file`);
  } catch (failure) {
    await file.close();
    throw failure;
  }
}

/**
 * Reads a small file of the user, all of it.
 *
 * @throws the operating system's errors; DIMGX_SOURCE_BAD_MEMBER if it is not a regular file,
 *   DIMGX_IMAGE_DOCUMENT_TOO_LARGE
 */
export async function readRegularFile(path: string): Promise<Buffer> {
  const file = await openRegularFile(path, (message) => new DimgxError('DIMGX_SOURCE_BAD_MEMBER', message));
  try {
    const { size } = await file.stat();
    if (size <= MAX_DOCUMENT) return await file.readFile();
    throw new DimgxError(
      'DIMGX_IMAGE_DOCUMENT_TOO_LARGE',
      `${printable(path, 300)} is larger than ${MAX_DOCUMENT} bytes`,
    );
  } finally {
    await file.close();
  }
}

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

/**
 * Reads a user's JSON document that may hold secrets. Unlike those of `JSON.parse`, its errors reveal nothing of the
 * contents. As in docker, an empty file or `null` is an empty document.
 *
 * @throws the operating system's errors; DIMGX_IMAGE_BAD_JSON, DIMGX_IMAGE_DOCUMENT_TOO_LARGE, DIMGX_SOURCE_BAD_MEMBER
 */
export async function readPrivateDocument(path: string): Promise<unknown> {
  const text = await readPrivateText(path);
  const document = tryParseJson(text.trim() || '{}');
  if (document === undefined) throw new DimgxError('DIMGX_IMAGE_BAD_JSON', `${printable(path, 300)} is not JSON`);
  return document ?? {};
}

/** @throws as `readPrivateDocument`, except for errors about the contents */
export async function readPrivateText(path: string): Promise<string> {
  return (await readRegularFile(path)).toString();
}
