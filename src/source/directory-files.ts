import { constants } from 'node:fs';
import { type FileHandle, lstat, open, readdir, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { isSystemError } from '../file/system-error.js';
import { printable } from '../image/printable.js';
import { badMember, cleanName, type Files, type OpenFile, unsafe } from './files.js';

/** The files below a directory: an archive unpacked, an OCI layout, skopeo's `dir:`. */
export class DirectoryFiles implements Files {
  readonly isArchive = false;
  readonly location: string;
  readonly #root: string;

  private constructor(root: string, location: string) {
    this.#root = root;
    this.location = location;
  }

  static async at(path: string): Promise<DirectoryFiles> {
    return new DirectoryFiles(await realpath(path), printable(path));
  }

  async topNames(): Promise<readonly string[]> {
    return readdir(this.#root);
  }

  async open(name: string): Promise<OpenFile | undefined> {
    const path = await this.#resolve(name);
    if (path === undefined) return undefined;
    // A FIFO must not be waited for, and nothing may be put in the place of what was resolved.
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    try {
      return { region: await regionOf(handle, name), close: () => handle.close() };
    } catch (failure) {
      await handle.close();
      throw failure;
    }
  }

  /** The path without links, known to be a regular file below the root; `undefined` when nothing is there. */
  async #resolve(name: string): Promise<string | undefined> {
    const path = join(this.#root, cleanName(name));
    try {
      const real = await realpath(path);
      if (!real.startsWith(this.#root.endsWith(sep) ? this.#root : this.#root + sep)) throw unsafe(name);
      if (!(await lstat(real)).isFile()) throw badMember(name, 'a folder, a device or a FIFO');
      return real;
    } catch (failure) {
      if (isSystemError(failure, 'ELOOP')) throw badMember(name, 'a link in a loop');
      if (!isSystemError(failure, 'ENOENT', 'ENOTDIR', 'ENAMETOOLONG')) throw failure;
    }
    if (await isLink(path)) throw badMember(name, 'a link to what is not there');
    return undefined;
  }
}

async function isLink(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isSymbolicLink();
  } catch {
    return false;
  }
}

async function regionOf(handle: FileHandle, name: string) {
  const stats = await handle.stat({ bigint: true });
  if (!stats.isFile()) throw badMember(name, 'a folder, a device or a FIFO');
  return { fd: handle.fd, offset: 0, length: Number(stats.size), modified: stats.mtimeNs };
}
