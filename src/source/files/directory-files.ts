import { close, constants, fstat, open } from 'node:fs';
import { lstat, readdir, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { promisify } from 'node:util';
import { openFiles } from '../../base/io/open-file-table.js';
import { PathFile } from '../../base/io/path-file.js';
import { printable } from '../../base/text/printable.js';
import { isSystemError } from '../../errors.js';
import { badMember, cleanName, type Files, type OpenFile, unsafe } from './files.js';

const openDescriptor = promisify(open);
const closeDescriptor = promisify(close);
const statDescriptor = promisify(fstat);

/** The files below a directory: an unpacked archive, an OCI layout, or skopeo's `dir:`. */
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

  async foldersIn(folder: string): Promise<readonly string[]> {
    const entries = await readdir(join(this.#root, folder), { withFileTypes: true }).catch(() => []);
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  }

  async open(name: string): Promise<OpenFile | undefined> {
    const path = await this.#resolve(name);
    if (path === undefined) return undefined;
    // Does not wait for a FIFO, and does not follow a link that has replaced the resolved path.
    const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;
    const fd = await openFiles.makeRoomFor(() => openDescriptor(path, flags));
    try {
      const stats = await statDescriptor(fd, { bigint: true });
      if (!stats.isFile()) throw badMember(name, 'a folder, a device or a FIFO');
      const file = new PathFile({ path, identity: stats }, fd);
      return { region: { file, offset: 0, length: Number(stats.size) }, close: () => file.close() };
    } catch (failure) {
      await closeDescriptor(fd);
      throw failure;
    }
  }

  /** Resolves links. The path is that of a regular file below the root; `undefined` if nothing is there. */
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
    if (await isLink(path)) throw badMember(name, 'a dangling link');
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
