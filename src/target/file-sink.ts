import { randomBytes } from 'node:crypto';
import { type FileHandle, link, lstat, open, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DimgxError } from '../errors.js';
import { quoted } from '../image/printable.js';
import { targetExists } from './destination.js';
import { type Sink, writeAll } from './sink.js';
import { unwritable } from './unwritable.js';

/** Codes with which file systems without hard links refuse one. */
const NO_HARD_LINKS: ReadonlySet<string | undefined> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

/**
 * A file that appears under its name only when it is whole: written under a temporary name beside it, then linked to
 * its name, which fails when that has been taken, or renamed over the file that it replaces.
 *
 * @param path with symlinks resolved
 * @param overwrite whether a regular file of that name may be replaced; its mode is kept
 * @throws DIMGX_TARGET_UNWRITABLE, DIMGX_TARGET_NO_SPACE
 */
export async function openFileSink(path: string, overwrite: boolean, signal?: AbortSignal): Promise<Sink> {
  const temporary = join(dirname(path), `.dimgx-${randomBytes(6).toString('hex')}.part`);
  const file = await open(temporary, 'wx', 0o666).catch((error: unknown) => {
    throw unwritable(path, error);
  });
  return new FileSink(path, temporary, file, overwrite, signal);
}

class FileSink implements Sink {
  readonly #path: string;
  readonly #temporary: string;
  readonly #file: FileHandle;
  readonly #overwrite: boolean;
  readonly #signal: AbortSignal | undefined;

  constructor(path: string, temporary: string, file: FileHandle, overwrite: boolean, signal?: AbortSignal) {
    this.#path = path;
    this.#temporary = temporary;
    this.#file = file;
    this.#overwrite = overwrite;
    this.#signal = signal;
  }

  async write(bytes: Uint8Array): Promise<void> {
    await writeAll(this.#file.fd, bytes, this.#signal).catch(this.#fail);
  }

  async publish(): Promise<void> {
    const mode = this.#overwrite ? await this.#modeOfOld() : undefined;
    if (mode !== undefined) await this.#file.chmod(mode).catch(this.#fail);
    await this.#file.close().catch(this.#fail);
    if (mode !== undefined) await rename(this.#temporary, this.#path).catch(this.#fail);
    else await this.#link();
  }

  async discard(): Promise<void> {
    await this.#file.close().catch(() => undefined);
    await unlink(this.#temporary).catch(() => undefined);
  }

  /** Of the file that is there now: it may have come, or gone, while this one was written. */
  async #modeOfOld(): Promise<number | undefined> {
    const old = await lstat(this.#path).catch((error: NodeJS.ErrnoException) =>
      error.code === 'ENOENT' ? undefined : this.#fail(error),
    );
    if (!old) return undefined;
    if (old.isFile()) return old.mode & 0o7777;
    const message = `${quoted(this.#path)} is no longer a regular file: remove it, or name another file`;
    throw new DimgxError('DIMGX_TARGET_UNWRITABLE', message);
  }

  async #link(): Promise<void> {
    try {
      await link(this.#temporary, this.#path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST') throw targetExists(this.#path);
      if (!NO_HARD_LINKS.has(code)) this.#fail(error);
      return this.#claim();
    }
    await unlink(this.#temporary).catch(this.#fail);
  }

  /** Without hard links: takes the name with an empty file, then renames over that. */
  async #claim(): Promise<void> {
    const claim = await open(this.#path, 'wx', 0o666).catch((error: NodeJS.ErrnoException) => {
      throw error.code === 'EEXIST' ? targetExists(this.#path) : unwritable(this.#path, error);
    });
    await claim.close();
    await rename(this.#temporary, this.#path).catch(async (error: unknown) => {
      await unlink(this.#path).catch(() => undefined);
      this.#fail(error);
    });
  }

  readonly #fail = (error: unknown): never => {
    throw this.#signal?.aborted ? error : unwritable(this.#path, error);
  };
}
