import { randomUUID } from 'node:crypto';
import { constants, existsSync, readlinkSync, writeSync } from 'node:fs';
import { type FileHandle, open, statfs, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DimgxError, isSystemError } from '../../errors.js';
import { printable, reasonOf, withoutCall } from '../text/printable.js';
import { writeAllAt } from './appender.js';
import { DescriptorFile } from './held-file.js';
import { descriptorLimit, isTooManyFiles } from './open-file-limit.js';
import { openFiles } from './open-file-table.js';

const READ_WRITE = 'wx+';
/** Flags for a file that never has a name. Source: open(2), O_TMPFILE, whose own bit Node does not export. */
const NAMELESS = 0o20000000 | constants.O_DIRECTORY | constants.O_RDWR | constants.O_EXCL;
const OWNER_ONLY = 0o600;
/** Descriptors that spools leave free for others. */
const RESERVE = 24;
/** A descriptor below this says nothing about how many are left. */
const FIRST = 16;

/**
 * Creates a temporary file for decoded or streamed bytes. On return it has no name, so its space is freed when it is
 * closed, even if the process dies.
 *
 * @param tmpDir default: the system's temporary folder
 * @param expectedBytes if known, free space is checked first
 * @param isPatient whether to wait for descriptors held by other calls; default true
 * @throws DIMGX_SOURCE_NO_SPACE, DIMGX_TOO_MANY_FILES
 */
export async function openSpool(tmpDir?: string, expectedBytes?: number, isPatient = true): Promise<FileHandle> {
  const folder = tmpDir ?? tmpdir();
  try {
    if (expectedBytes !== undefined) await requireSpace(folder, expectedBytes);
    const open = async () => leaveSome((await openNameless(folder)) ?? (await openUnlinked(folder)));
    return await (isPatient ? openFiles.makeRoomFor(open) : openFiles.makeRoomNow(open));
  } catch (failure) {
    throw isSystemError(failure) ? noSpace(folder, whyNotThere(failure, folder), failure) : failure;
  }
}

/**
 * Fails with EMFILE when descriptors run low. Spools stay open for long. When several calls open them, each must leave
 * some descriptors for files that are open briefly, or no call could finish. A high number means few are left, because
 * the system assigns the lowest free one. Source: POSIX, open.
 */
async function leaveSome(handle: FileHandle): Promise<FileHandle> {
  if (handle.fd < FIRST || !openFiles.isShared) return handle;
  const limit = descriptorLimit();
  if (limit === undefined || handle.fd < limit - Math.min(RESERVE, limit / 4)) return handle;
  await handle.close();
  throw Object.assign(new Error('EMFILE: too many open files, open'), { code: 'EMFILE', syscall: 'open' });
}

/** @returns `undefined` if the system or file system does not support such files, or refuses one */
async function openNameless(folder: string): Promise<FileHandle | undefined> {
  if (process.platform !== 'linux') return undefined;
  return open(folder, NAMELESS, OWNER_ONLY).catch((failure: unknown) => {
    if (isTooManyFiles(failure)) throw failure;
    return undefined;
  });
}

/** If the process is killed between the two calls, an empty file stays behind. */
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
    throw isSystemError(failure) ? noSpace(folder, whyNotThere(failure, folder), failure) : failure;
  }
}

/** Wraps a spool as a file that contains regions. */
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

function whyNotThere(failure: NodeJS.ErrnoException, folder: string): string {
  if (failure.code === 'ENOTDIR') return 'it is not a directory';
  if (failure.code !== 'ENOENT') return withoutCall(reasonOf(failure));
  return existsSync(folder) ? 'no file can be created there' : 'no such directory';
}

function noSpace(folder: string, why: string, cause?: unknown): DimgxError {
  const variable = ['TMPDIR', 'TMP', 'TEMP'].find((name) => process.env[name]);
  const origin = variable && folder === tmpdir() ? ` (from ${variable})` : '';
  return new DimgxError(
    'DIMGX_SOURCE_NO_SPACE',
    `temporary data cannot be written to ${printable(folder)}${origin}: ${why}`,
    { cause },
  );
}

/** Whether temporary data could not be written. */
export function isNoSpace(failure: unknown): failure is DimgxError {
  return failure instanceof DimgxError && failure.code === 'DIMGX_SOURCE_NO_SPACE';
}

/**
 * Adds to an error about temporary data what they are, and how much of them there is. Other errors are left as they
 * are.
 *
 * @param what follows the message and a colon
 */
export function tellNeed(failure: unknown, what: string): unknown {
  return isNoSpace(failure) ? failure.retold(`${failure.message}: ${what}`) : failure;
}

/** Writes all of `bytes` to a spool at `position`. The writer owns the bytes until it is done. */
export type WriteAt = (fd: number, bytes: Uint8Array, position: number) => void | Promise<void>;

/** @throws DIMGX_SOURCE_NO_SPACE */
export const writeAt: WriteAt = (fd, bytes, position) =>
  writeAllAt(fd, bytes, position).catch((error: unknown) => refuse(fd, error));

/** The same, synchronously; only for worker threads. */
export const writeAtSync: WriteAt = (fd, bytes, position) => {
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(fd, bytes, done, bytes.length - done, position + done);
    } catch (error) {
      refuse(fd, error);
    }
  }
};

function refuse(fd: number, error: unknown): never {
  const message = `temporary data cannot be written${whereIs(fd)} (${withoutCall(reasonOf(error))})`;
  throw new DimgxError('DIMGX_SOURCE_NO_SPACE', message, { cause: error });
}

/** The folder of a spool, as far as the system knows it: a spool has no name. Source: proc_pid_fd(5). */
function whereIs(fd: number): string {
  try {
    return ` to ${printable(dirname(readlinkSync(`/proc/self/fd/${fd}`)), 300)}`;
  } catch {
    return '';
  }
}
