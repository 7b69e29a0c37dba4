import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readlinkSync, type Stats } from 'node:fs';
import { DimgxError, isSystemError } from '../../errors.js';
import { MAX_SYMLINKS } from '../limits.js';
import { pathData, quoted } from '../text/printable.js';
import { isTooManyFiles, tooManyFiles } from './open-file-limit.js';

/** Names a folder without permission to list it. Source: open(2); Node does not export it. */
const O_PATH = 0o10000000;
export const NAME_FOLDER = O_PATH | constants.O_NOFOLLOW | constants.O_DIRECTORY;
/** Opens a file without following a symlink and without waiting for the writer of a FIFO. */
export const READ_FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** An open regular file below a folder. Its opener closes it. */
export interface FileBelow {
  readonly fd: number;
  /** From just before it was opened. Compare them again: another file may have taken its place. */
  readonly stats: Stats;
}

/** What is done about symlinks on the way to a file. */
export type LinkRule =
  /** A symlink is followed, as if the folder were the root of the file system. */
  | 'inside'
  /** A symlink is an error. */
  | 'none';

/**
 * Opens files below a folder by paths that need not be trusted. Nothing outside of the folder is opened, and nothing
 * but regular files, even while others change what is in it: each component of a path is opened on its own, without
 * following a symlink. All calls are synchronous, and only for Linux. Source: proc_pid_fd(5), path_resolution(7).
 */
export class FolderTree {
  /** Descriptor of the folder. */
  readonly root: number;
  readonly #links: LinkRule;
  /** The folders on the way to the last file, the deepest ones open: those of the next file are mostly the same. */
  readonly #way: { readonly name: Name; fd: number | undefined }[] = [];
  /** The path of the last of them, if they stand for what the path names. */
  #key: string | undefined;
  /** The regular files in the last of them, once they have been listed. */
  #regular: ReadonlySet<Name> | undefined;
  /** How many files of it were looked at one by one. */
  #looks = 0;

  /** @param root descriptor of the folder; the caller closes it */
  constructor(root: number, links: LinkRule) {
    this.root = root;
    this.#links = links;
  }

  /**
   * @param path relative to the folder; a leading slash, `.` and `a/..` have no effect, as in Go's `filepath.Join`
   * @throws DIMGX_SOURCE_UNSAFE_PATH if it leads outside; DIMGX_SOURCE_BAD_MEMBER if it is not a regular file;
   *   DIMGX_TOO_MANY_FILES; the operating system's errors
   */
  openFile(path: string | Uint8Array): FileBelow {
    const place = this.#find(latin1(path));
    const stats = lstatSync(bytesOf(place));
    if (!stats.isFile()) throw notAFile(path);
    return { fd: openNow(place, READ_FILE), stats };
  }

  /**
   * The same for many files of a folder that nobody but the engine writes. The names in the folder say which of them are
   * regular files: they are read once, which takes a quarter of the time of a look at each file.
   *
   * @param path one character, one byte
   * @throws as `openFile`
   */
  openListed(path: Name): FileBelow {
    const place = this.#find(path);
    const isRegular = this.#listed()?.has(path.slice(path.lastIndexOf('/') + 1));
    if (!isRegular && !lstatSync(bytesOf(place)).isFile()) throw notAFile(Buffer.from(path, 'latin1'));
    const fd = openNow(place, READ_FILE);
    return { fd, stats: fstatSync(fd) };
  }

  /**
   * Opens a file that `openListed` has opened before, without looking whether it is still a regular file.
   *
   * @param path one character, one byte
   * @returns its descriptor; the caller closes it, and finds out whether it is still the same file
   * @throws as `openFile`
   */
  reopenFile(path: Name): number {
    return openNow(this.#find(path), READ_FILE);
  }

  /**
   * Opens a folder, for another `FolderTree` or for `OpenFolder`.
   *
   * @returns its descriptor; the caller closes it
   * @throws as `openFile`
   */
  openFolder(path: string | Uint8Array): number {
    if (this.#links === 'none') return openNow(this.#find(latin1(path)), NAME_FOLDER);
    this.#walk(cleanNames(latin1(path)));
    return openNow(below(this.#here, '.'), NAME_FOLDER);
  }

  /**
   * Names of what is in a folder, in no particular order.
   *
   * @throws as `openFile`
   */
  namesIn(path: string): readonly string[] {
    const fd = this.openFolder(path);
    try {
      return readdirSync(`/proc/self/fd/${fd}/`);
    } finally {
      closeSync(fd);
    }
  }

  close(): void {
    this.#leave(0);
  }

  /** The path of a file, by the open folder that it is in. */
  #find(text: Name): string {
    const slash = text.lastIndexOf('/');
    // Most files are beside the last one.
    const isBeside = slash > 0 && this.#key === text.slice(0, slash) && isPlain(text.slice(slash + 1));
    if (isBeside) return below(this.#here, text.slice(slash + 1));
    const names = cleanNames(text);
    const last = names.pop();
    if (last === undefined) return below(this.root, '.');
    if (names.join('/') !== this.#key) this.#walk(names);
    return below(this.#here, last);
  }

  /**
   * The regular files in the folder of the last path.
   *
   * @returns `undefined` as long as few of them were asked for, and if it is large or lies behind a symlink
   */
  #listed(): ReadonlySet<Name> | undefined {
    if (this.#regular || this.#key === undefined || ++this.#looks === 1) return this.#regular;
    const here = this.#here;
    const { size } = fstatSync(here);
    if (size > LONG_LIST || (size > SHORT_LIST && this.#looks < size / BYTES_PER_LOOK)) return undefined;
    const entries = readdirSync(`/proc/self/fd/${here}/`, { encoding: 'latin1', withFileTypes: true });
    this.#regular = new Set(entries.filter((entry) => entry.isFile()).map(({ name }) => name));
    return this.#regular;
  }

  /** The folder that the way leads to. */
  get #here(): number {
    return this.#way.at(-1)?.fd ?? this.root;
  }

  /** Goes back to the folder at a depth. One that was closed meanwhile is opened again, from the root on. */
  #leave(depth: number): void {
    this.#key = undefined;
    this.#regular = undefined;
    this.#looks = 0;
    for (const { fd } of this.#way.splice(depth)) if (fd !== undefined) closeSync(fd);
    if (this.#way.length === 0 || this.#way.at(-1)?.fd !== undefined) return;
    for (const { name } of this.#way.splice(0)) this.#enter(name);
  }

  #enter(name: Name): void {
    this.#way.push({ name, fd: openNow(below(this.#here, name), NAME_FOLDER) });
    const high = this.#way.at(-1 - MOST_OPEN);
    if (high?.fd === undefined) return;
    closeSync(high.fd);
    high.fd = undefined;
  }

  #walk(names: readonly Name[]): void {
    const differs = names.findIndex((name, i) => this.#way[i]?.name !== name);
    this.#leave(differs < 0 ? names.length : differs);
    const ahead = names.slice(this.#way.length).reverse();
    let links = 0;
    for (let name = ahead.pop(); name !== undefined; name = ahead.pop()) {
      if (name === '..') {
        this.#leave(Math.max(0, this.#way.length - 1));
        continue;
      }
      const target = this.#step(name);
      if (target === undefined) continue;
      if (++links > MAX_SYMLINKS) throw notAFile(Buffer.from(name, 'latin1'), 'below a loop of symlinks');
      if (target.startsWith('/')) this.#leave(0);
      ahead.push(...partsOf(target).reverse());
    }
    // Behind a symlink, the way has other names than the path.
    if (links === 0) this.#key = names.join('/');
  }

  /** Enters the folder of that name. @returns the target, if it is a symlink to follow instead */
  #step(name: Name): string | undefined {
    try {
      return void this.#enter(name);
    } catch (failure) {
      const isLink = this.#links === 'inside' && isSystemError(failure, 'ENOTDIR', 'ELOOP');
      const target = isLink ? linkAt(this.#here, name) : undefined;
      if (target === undefined) throw failure;
      return target;
    }
  }
}

/** A path, or a component of one: one character, one byte. */
type Name = string;

/** Size of a folder, in bytes, from which on its names are not kept in memory: some 20,000 names. */
const LONG_LIST = 2 ** 20;
/** Size of a folder, in bytes, up to which its names are read for the second file already. */
const SHORT_LIST = 8192;
/**
 * A longer folder is listed once one of its files was looked at for each so many bytes of its size. Listing it then takes
 * some five times as long as all those looks.
 */
const BYTES_PER_LOOK = 512;

/** How many folders on the way to a file stay open. Few paths are deeper. */
const MOST_OPEN = 6;

function latin1(path: string | Uint8Array): string {
  const bytes = typeof path === 'string' ? Buffer.from(path) : Buffer.from(path.buffer, path.byteOffset, path.length);
  return bytes.toString('latin1');
}

function isPlain(name: Name): boolean {
  return name !== '' && name !== '.' && name !== '..' && !name.includes('\0');
}

/** The components of a path, without those that have no effect. */
function partsOf(path: string): Name[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

function cleanNames(text: Name): Name[] {
  const names: Name[] = [];
  if (text.includes('\0')) throw unsafe(text);
  for (const part of partsOf(text)) {
    if (part !== '..') names.push(part);
    else if (names.pop() === undefined) throw unsafe(text);
  }
  return names;
}

function below(folder: number, name: Name): string {
  return `/proc/self/fd/${folder}/${name}`;
}

/** @param path one character, one byte @throws DIMGX_TOO_MANY_FILES; the operating system's errors */
export function openNow(path: string, flags: number): number {
  try {
    return openSync(bytesOf(path), flags);
  } catch (failure) {
    throw isTooManyFiles(failure) ? tooManyFiles(failure) : failure;
  }
}

/** The path of a name in an open folder, for calls that take paths. @param name one character, one byte */
export function procPath(folder: number, name: string): string | Buffer {
  return bytesOf(below(folder, name));
}

function bytesOf(path: string): string | Buffer {
  return /[\x80-\xff]/.test(path) ? Buffer.from(path, 'latin1') : path;
}

/** @returns `undefined` if it is not a symlink */
function linkAt(folder: number, name: Name): string | undefined {
  try {
    return readlinkSync(bytesOf(below(folder, name)), 'latin1');
  } catch (failure) {
    if (isSystemError(failure, 'EINVAL')) return undefined;
    throw failure;
  }
}

function unsafe(text: Name): DimgxError {
  const path = Buffer.from(text, 'latin1');
  return new DimgxError('DIMGX_SOURCE_UNSAFE_PATH', `the path ${quoted(path)} leads out of its folder`, pathData(path));
}

function notAFile(path: string | Uint8Array, what = 'a folder, a link, a device or a FIFO'): DimgxError {
  const message = `${quoted(path)} is ${what}, not a regular file`;
  return new DimgxError('DIMGX_SOURCE_BAD_MEMBER', message, pathData(path));
}
