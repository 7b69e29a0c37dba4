import { type BigIntStats, closeSync, lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { NAME_FOLDER, openNow, procPath, READ_FILE } from './folder-tree.js';

/** A name of a file: one character, one byte. */
export type ByteName = string;

/**
 * A folder that is open, and what is in it. Whatever others do meanwhile, every call concerns this folder: no symlink is
 * followed. All calls are synchronous, and only for Linux.
 */
export class OpenFolder {
  readonly fd: number;

  /** @param fd its descriptor, which this object closes */
  constructor(fd: number) {
    this.fd = fd;
  }

  /** Names of what is in it, in the order of their bytes. @throws the operating system's errors, as all methods do */
  names(): readonly ByteName[] {
    const names = readdirSync(`/proc/self/fd/${this.fd}/`, 'latin1');
    return names.sort((a, b) => (a < b ? -1 : 1));
  }

  /** @param name of something in the folder, or `.` for the folder itself */
  stats(name: ByteName): BigIntStats {
    return lstatSync(procPath(this.fd, name), { bigint: true });
  }

  /** The target of a symlink. */
  target(name: ByteName): ByteName {
    return readlinkSync(procPath(this.fd, name), 'latin1');
  }

  /** @throws DIMGX_TOO_MANY_FILES too */
  open(name: ByteName): OpenFolder {
    return new OpenFolder(openNow(`/proc/self/fd/${this.fd}/${name}`, NAME_FOLDER));
  }

  /**
   * Opens a file for reading. Something else that has taken its place meanwhile may be opened instead, but it is not
   * waited for.
   *
   * @returns its descriptor; the caller closes it @throws DIMGX_TOO_MANY_FILES too
   */
  openFile(name: ByteName): number {
    return openNow(`/proc/self/fd/${this.fd}/${name}`, READ_FILE);
  }

  close(): void {
    closeSync(this.fd);
  }
}
