import { randomUUID } from 'node:crypto';
import { constants, existsSync } from 'node:fs';
import { type FileHandle, open, statfs, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DimgxError } from '../../errors.js';
import { printable } from '../text/printable.js';
import { DescriptorFile } from './descriptor-file.js';
import { descriptorLimit } from './descriptor-limit.js';
import { openFiles } from './open-file-table.js';
import { isSystemError } from './system-error.js';
import { isTooManyFiles } from './too-many-files.js';

const READ_WRITE = 'wx+';
/** A file that never has a name. Source: open(2), O_TMPFILE, whose own bit Node does not tell. */
const NAMELESS = 0o20000000 | constants.O_DIRECTORY | constants.O_RDWR | constants.O_EXCL;
const OWNER_ONLY = 0o600;
/** Descriptors that spools leave to others. */
const RESERVE = 24;
/** Below it, a descriptor tells nothing of how many are left. */
const FIRST = 16;

/**
 * Makes a temporary file for decoded or streamed bytes. It has no name any more once this returns: closing it frees
 * its room, whatever becomes of the process.
 *
 * @param tmpDir default: the system's temporary folder
 * @param expectedBytes when known, free space is looked at first
 * @param isPatient whether to wait for descriptors that other calls hold; default true
 * @throws DIMGX_SOURCE_NO_SPACE, DIMGX_TOO_MANY_FILES
 */
export async function openSpool(tmpDir?: string, expectedBytes?: number, isPatient = true): Promise<FileHandle> {
  const folder = tmpDir ?? tmpdir();
  try {
    if (expectedBytes !== undefined) await requireSpace(folder, expectedBytes);
    const open = async () => leaveSome((await openNameless(folder)) ?? (await openUnlinked(folder)));
    return await (isPatient ? openFiles.makeRoomFor(open) : openFiles.makeRoomNow(open));
  } catch (failure) {
    throw isSystemError(failure) ? noSpace(folder, reasonOf(failure, folder), failure) : failure;
  }
}

/**
 * Spools stay open for long: where several calls open them, each leaves some descriptors for what is open briefly, without
 * which no call comes to its end. The system gives the lowest number that is free. Source: POSIX, open.
 */
async function leaveSome(handle: FileHandle): Promise<FileHandle> {
  if (handle.fd < FIRST || !openFiles.isShared) return handle;
  const limit = descriptorLimit();
  if (limit === undefined || handle.fd < limit - Math.min(RESERVE, limit / 4)) return handle;
  await handle.close();
  throw Object.assign(new Error('EMFILE: too many open files, open'), { code: 'EMFILE', syscall: 'open' });
}

/** @returns `undefined` where the system or the file system has no such files, or refuses one */
async function openNameless(folder: string): Promise<FileHandle | undefined> {
  if (process.platform !== 'linux') return undefined;
  return open(folder, NAMELESS, OWNER_ONLY).catch((failure: unknown) => {
    if (isTooManyFiles(failure)) throw failure;
    return undefined;
  });
}

/** A process that is killed between the two calls leaves an empty file behind. */
async function openUnlinked(folder: string): Promise<FileHandle> {
  const path = join(folder, `dimgx-${randomUUID()}`);
  const handle = await open(path, READ_WRITE, OWNER_ONLY);
  try {
    await unlink(path);
  } catch (failure) {
    await handle.close();
    throw failure;
  }
  return handle;
}

/**
 * @param tmpDir default: the system's temporary folder
 * @throws DIMGX_SOURCE_NO_SPACE
 */
export async function requireSpoolSpace(tmpDir: string | undefined, bytes: number): Promise<void> {
  const folder = tmpDir ?? tmpdir();
  try {
    await requireSpace(folder, bytes);
  } catch (failure) {
    throw isSystemError(failure) ? noSpace(folder, reasonOf(failure, folder), failure) : failure;
  }
}

/** A spool as a file that regions lie in. */
export function spoolFile(handle: FileHandle): DescriptorFile {
  const close = async () => {
    await handle.close();
    openFiles.notice();
  };
  return new DescriptorFile({ fd: handle.fd, close });
}

async function requireSpace(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize < bytes) throw noSpace(folder, `${bytes} bytes are needed and ${bavail * bsize} are free`);
}

function reasonOf(failure: NodeJS.ErrnoException, folder: string): string {
  if (failure.code === 'ENOTDIR') return 'it is not a directory';
  if (failure.code !== 'ENOENT') return printable(failure.message);
  return existsSync(folder) ? 'no file can be made there' : 'there is no such directory';
}

function noSpace(folder: string, why: string, cause?: unknown): DimgxError {
  const variable = ['TMPDIR', 'TMP', 'TEMP'].find((name) => process.env[name]);
  const origin = variable && folder === tmpdir() ? ` (from ${variable})` : '';
  return new DimgxError(
    'DIMGX_SOURCE_NO_SPACE',
    `temporary data cannot be kept in ${printable(folder)}${origin}: ${why}; choose another place with --tmp-dir`,
    { cause },
  );
}
