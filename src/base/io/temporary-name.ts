import { randomBytes } from 'node:crypto';
import { constants, rmSync, unlinkSync } from 'node:fs';
import { access, type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { isSystemError } from '../../errors.js';

/**
 * Flags for holding a folder that is writable but perhaps not readable. Source: open(2), O_PATH, which Node does not
 * export.
 */
const ONLY_AS_A_PLACE = 0o10000000 | constants.O_DIRECTORY;

/** A name for a file or folder that is being made. What has it can be removed even if the folder around it was moved. */
export class TemporaryName {
  /** Path at the time the name was chosen. */
  readonly path: string;
  readonly #parent: string;
  readonly #folder: FileHandle | undefined;
  readonly #lasting: string;

  private constructor(parent: string, folder: FileHandle | undefined, kind: 'part' | 'old') {
    const name = `.dimgx-${randomBytes(6).toString('hex')}.${kind}`;
    this.path = join(parent, name);
    this.#parent = parent;
    this.#folder = folder;
    this.#lasting = folder ? `/proc/self/fd/${folder.fd}/${name}` : this.path;
  }

  /** Chooses an unused name. If the system cannot hold a folder open, removal depends on the path alone. */
  static async in(folder: string): Promise<TemporaryName> {
    return new TemporaryName(folder, await hold(folder), 'part');
  }

  /** Another unused name in the same folder, for a file that is being replaced. It can be used until this one is closed. */
  forOld(): TemporaryName {
    return new TemporaryName(this.#parent, this.#folder, 'old');
  }

  /**
   * Removes what has the name: a file, or a folder with all that is in it. Synchronous, because a second signal may end
   * the process before an asynchronous call completes.
   *
   * @throws the operating system's error
   */
  remove(): void {
    try {
      unlinkSync(this.#lasting);
    } catch (error) {
      if (isSystemError(error, 'EISDIR', 'EPERM')) rmSync(this.#lasting, { recursive: true, force: true });
      else if (!isSystemError(error, 'ENOENT')) throw error;
    }
  }

  /** Releases the folder around it. What has the name stays. */
  async close(): Promise<void> {
    await this.#folder?.close();
  }
}

async function hold(folder: string): Promise<FileHandle | undefined> {
  if (process.platform !== 'linux') return undefined;
  const held = await open(folder, ONLY_AS_A_PLACE).catch(() => undefined);
  try {
    if (held) await access(`/proc/self/fd/${held.fd}`);
    return held;
  } catch {
    await held?.close();
    return undefined;
  }
}
