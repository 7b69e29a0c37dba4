import { closeSync, constants, fstatSync, lstatSync, statSync } from 'node:fs';
import { NAME_FOLDER, openNow, procPath } from '../base/io/folder-tree.js';
import type { ByteName } from '../base/io/open-folder.js';

/** A path for one call of the operating system. */
type Path = string | Buffer;

/** An open folder that files are written to. Symlinks below it are never followed. */
export interface TargetFolder {
  /** Path of the folder itself. */
  readonly path: Path;
  /** Path of a name in the folder. */
  at(name: ByteName): Path;
  /** Opens a folder in this one. @throws the operating system's error: ENOTDIR or ELOOP for a symlink */
  enter(name: ByteName): TargetFolder;
  close(): void;
}

/**
 * Opens a folder by a path of the caller, whose symlinks are followed.
 *
 * @throws DIMGX_TOO_MANY_FILES; the operating system's error
 */
export function openTarget(path: string): TargetFolder {
  if (process.platform === 'linux') {
    const fd = openNow(path, NAME_FOLDER & ~constants.O_NOFOLLOW);
    if (hasPath(fd)) return new HeldFolder(fd);
    closeSync(fd);
  }
  if (!statSync(path).isDirectory()) throw noFolder();
  return new NamedFolder(Buffer.from(path).toString('latin1'));
}

/**
 * A folder held by its descriptor. Whatever others put in the place of its name meanwhile, every call concerns this
 * folder. Source: proc_pid_fd(5).
 */
class HeldFolder implements TargetFolder {
  readonly path: string;
  readonly #fd: number;

  constructor(fd: number) {
    this.#fd = fd;
    this.path = `/proc/self/fd/${fd}`;
  }

  at(name: ByteName): Path {
    return procPath(this.#fd, name);
  }

  enter(name: ByteName): TargetFolder {
    return new HeldFolder(openNow(`${this.path}/${name}`, NAME_FOLDER));
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** A folder known by its path, where descriptors have no paths. What others put in its place is used instead of it. */
class NamedFolder implements TargetFolder {
  readonly #name: ByteName;

  constructor(name: ByteName) {
    this.#name = name;
  }

  get path(): Path {
    return Buffer.from(this.#name, 'latin1');
  }

  at(name: ByteName): Path {
    return Buffer.from(`${this.#name}/${name}`, 'latin1');
  }

  enter(name: ByteName): TargetFolder {
    if (!lstatSync(this.at(name)).isDirectory()) throw noFolder();
    return new NamedFolder(`${this.#name}/${name}`);
  }

  close(): void {}
}

/** Whether a descriptor can be reached by a path. It cannot where `/proc` is not mounted. */
function hasPath(fd: number): boolean {
  try {
    const [found, held] = [statSync(`/proc/self/fd/${fd}`), fstatSync(fd)];
    return found.dev === held.dev && found.ino === held.ino;
  } catch {
    return false;
  }
}

function noFolder(): Error {
  return Object.assign(new Error('ENOTDIR: not a directory'), { code: 'ENOTDIR', syscall: 'open' });
}
