import { randomBytes } from 'node:crypto';
import { constants, unlinkSync } from 'node:fs';
import { access, type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';

/** A folder that may be written need not be readable. Source: open(2), O_PATH, which Node does not tell. */
const ONLY_AS_A_PLACE = 0o10000000 | constants.O_DIRECTORY;

/** A name in a folder, which can be taken away again also when the folder has been moved since. */
export class TemporaryName {
  /** As the folder was called. */
  readonly path: string;
  readonly #folder: FileHandle | undefined;
  readonly #lasting: string;

  private constructor(path: string, folder: FileHandle | undefined, lasting: string) {
    this.path = path;
    this.#folder = folder;
    this.#lasting = lasting;
  }

  /** Chooses a name that nobody has. Where the system has no way to hold on to a folder, the name is all there is. */
  static async in(folder: string): Promise<TemporaryName> {
    const name = `.dimgx-${randomBytes(6).toString('hex')}.part`;
    const path = join(folder, name);
    const held = await hold(folder);
    return new TemporaryName(path, held, held ? `/proc/self/fd/${held.fd}/${name}` : path);
  }

  /**
   * Takes the name away if it is there, without waiting: a second signal may end the process before anything that is
   * waited for.
   *
   * @throws the operating system's error
   */
  remove(): void {
    try {
      unlinkSync(this.#lasting);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }

  /** Lets go of the folder. The name stays as it is. */
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
