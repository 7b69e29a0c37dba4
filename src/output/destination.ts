import { constants, type Stats } from 'node:fs';
import { access, lstat, open, readlink, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Writable } from 'node:stream';
import { isatty } from 'node:tty';
import { unwritable } from '../base/io/unwritable.js';
import { MAX_SYMLINKS } from '../base/limits.js';
import { pathData, printable, quoted } from '../base/text/printable.js';
import { requireThat } from '../check-options.js';
import { DimgxError, type Warn } from '../errors.js';
import type { TargetOptions } from '../options.js';
import { chooseEncoder, type Encoder } from './encoder.js';
import { TargetStream } from './target-stream.js';

const STANDARD_OUTPUT = 1;
const IN_PLACE_FLAGS = constants.O_WRONLY | constants.O_NOCTTY;

/** Where a tar or a record goes, checked before any work is done. `name` is printable. */
export type Destination = { readonly encoder: Encoder | undefined; readonly name: string } & (
  | { readonly kind: 'stream'; readonly stream: TargetStream }
  /** An open descriptor of this process. It stays open. */
  | { readonly kind: 'descriptor'; readonly fd: number }
  /** A device or a FIFO, written in place. */
  | { readonly kind: 'inPlace'; readonly path: string; readonly flags: number; readonly isFifo: boolean }
  /** A regular file. `path` has its symlinks resolved. */
  | { readonly kind: 'file'; readonly path: string; readonly overwrite: boolean }
);

/**
 * Checks that a target can be written, and chooses its compression.
 *
 * @param target a path, `-` for standard output, or a stream
 * @throws DIMGX_TARGET_CLOSED, DIMGX_TARGET_EXISTS, DIMGX_TARGET_TERMINAL, DIMGX_TARGET_UNWRITABLE,
 *   DIMGX_COMPRESSION_UNSUPPORTED, DIMGX_OPTION_INVALID for an empty path, and for a level that the compression does
 *   not have
 */
export async function findDestination(
  target: string | Writable,
  options: TargetOptions,
  warn: Warn,
): Promise<Destination> {
  if (typeof target !== 'string') return findStream(target, options, warn);
  requireThat(target !== '', 'the target', 'a path or a Writable', target);
  if (target === '-') {
    const name = 'standard output';
    refuseTerminal(STANDARD_OUTPUT, name);
    return { kind: 'descriptor', fd: STANDARD_OUTPUT, name, encoder: await chooseEncoder(undefined, options, warn) };
  }
  const common = { name: printable(target), encoder: await chooseEncoder(target, options, warn) };
  try {
    return { ...common, ...(await findPath(target, options.force ?? false)) };
  } catch (error) {
    throw unwritable(target, error, pathData(target));
  }
}

async function findStream(target: Writable, options: TargetOptions, warn: Warn): Promise<Destination> {
  const isStream = typeof target?.write === 'function' && typeof target.end === 'function';
  requireThat(isStream && typeof target.on === 'function', 'the target', 'a path or a Writable', target);
  const stream = new TargetStream(target); // watch it before the first await
  try {
    return { kind: 'stream', stream, name: 'stream', encoder: await chooseEncoder(undefined, options, warn) };
  } catch (error) {
    stream.release();
    throw error;
  }
}

type FoundTarget = Destination extends infer D ? (D extends Destination ? Omit<D, 'encoder' | 'name'> : never) : never;

async function findPath(target: string, overwrite: boolean): Promise<FoundTarget> {
  const found = await stat(target).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' && !target.endsWith('/')) throw error;
  });
  if (found?.isDirectory()) throw refused(target, 'is a directory: name a file');
  if (target.endsWith('/')) throw refused(target, 'names a directory: name a file');
  const links = await symlinksFrom(target);
  const fd = await descriptorAmong(links);
  if (fd !== undefined) {
    if (!found) throw refused(target, 'is not open: redirect it, or name a file');
    refuseTerminal(fd, printable(target));
    return { kind: 'descriptor', fd };
  }
  if (found && !found.isFile()) return findInPlace(target, found);
  if (found && !overwrite) throw targetExists(target);
  const path = links.at(-1) as string;
  await access(dirname(path), constants.W_OK | constants.X_OK);
  return { kind: 'file', path, overwrite };
}

/** A FIFO is not opened yet, because its reader would notice. Neither is a block device. */
async function findInPlace(target: string, found: Stats): Promise<FoundTarget> {
  if (found.isSocket()) throw refused(target, 'is a socket: name a file or a FIFO');
  if (found.isCharacterDevice()) {
    const device = await open(target, IN_PLACE_FLAGS | constants.O_NONBLOCK);
    try {
      refuseTerminal(device.fd, printable(target));
    } finally {
      await device.close();
    }
  }
  await access(target, constants.W_OK);
  return { kind: 'inPlace', path: target, flags: IN_PLACE_FLAGS, isFifo: found.isFIFO() };
}

export function targetExists(target: string): DimgxError {
  return new DimgxError('DIMGX_TARGET_EXISTS', `${quoted(target)} exists`, pathData(target));
}

function refused(target: string, why: string, cause?: unknown): DimgxError {
  return new DimgxError('DIMGX_TARGET_UNWRITABLE', `${quoted(target)} ${why}`, { ...pathData(target), cause });
}

/** @throws DIMGX_TARGET_TERMINAL */
function refuseTerminal(fd: number, name: string): void {
  if (!isatty(fd)) return;
  throw new DimgxError('DIMGX_TARGET_TERMINAL', `${name} is a terminal`);
}

/**
 * The number of this process's descriptor that one of the paths names, such as `/dev/stdout` or `/dev/fd/3`. The
 * descriptor itself is written: reopening a file would overwrite it from the start, and a socket cannot be reopened.
 */
async function descriptorAmong(paths: readonly string[]): Promise<number | undefined> {
  const folders = ['/dev/fd', await realpath('/proc/self/fd').catch(() => undefined)];
  const named = paths.find((path) => folders.includes(dirname(path)) && /^\d{1,9}$/.test(basename(path)));
  return named === undefined ? undefined : Number(basename(named));
}

/**
 * A path followed by each path that its symlinks lead to. The last one is not a symlink and need not exist. Folders are
 * resolved as the operating system does: `..` of a symlinked folder is the parent of the folder it points at.
 *
 * @throws DIMGX_TARGET_UNWRITABLE if a folder is missing; the operating system's error, such as ELOOP
 */
async function symlinksFrom(path: string): Promise<readonly string[]> {
  const paths: string[] = [];
  for (let next = path.startsWith('/') ? path : `${process.cwd()}/${path}`; paths.length <= MAX_SYMLINKS; ) {
    const folder = dirname(paths.length === 0 ? path : next);
    const parent = await realpath(dirname(next)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      throw refused(path, `cannot be written: the folder ${quoted(folder)} does not exist`, error);
    });
    const here = join(parent, basename(next));
    paths.push(here);
    const found = await lstat(here).catch(absent);
    if (!found?.isSymbolicLink()) return paths;
    const link = await readlink(here);
    next = link.startsWith('/') ? link : `${dirname(here)}/${link}`;
  }
  throw Object.assign(new Error('ELOOP: too many symbolic links'), { code: 'ELOOP' });
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
