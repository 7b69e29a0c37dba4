import { randomUUID } from 'node:crypto';
import { type FileHandle, open, statfs, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DimgxError } from '../errors.js';
import { printable } from '../image/printable.js';
import { isSystemError } from './system-error.js';

const READ_WRITE = 'wx+';
const OWNER_ONLY = 0o600;

/**
 * Makes a temporary file for decoded or streamed bytes. It has no name any more once this returns: closing it frees
 * its room, whatever becomes of the process.
 *
 * @param tmpDir default: the system's temporary folder
 * @param expectedBytes when known, free space is looked at first
 * @throws DIMGX_SOURCE_NO_SPACE
 */
export async function openSpool(tmpDir?: string, expectedBytes?: number): Promise<FileHandle> {
  const folder = tmpDir ?? tmpdir();
  try {
    if (expectedBytes !== undefined) await requireSpace(folder, expectedBytes);
    const path = join(folder, `dimgx-${randomUUID()}`);
    const handle = await open(path, READ_WRITE, OWNER_ONLY);
    try {
      await unlink(path);
    } catch (failure) {
      await handle.close();
      throw failure;
    }
    return handle;
  } catch (failure) {
    if (!isSystemError(failure)) throw failure;
    throw noSpace(folder, printable(failure.message), failure);
  }
}

async function requireSpace(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize < bytes) throw noSpace(folder, `${bytes} bytes are needed and ${bavail * bsize} are free`);
}

function noSpace(folder: string, why: string, cause?: unknown): DimgxError {
  return new DimgxError(
    'DIMGX_SOURCE_NO_SPACE',
    `temporary data cannot be kept in ${printable(folder)}: ${why}; choose another place with --tmp-dir`,
    { cause },
  );
}
