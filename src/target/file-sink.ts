import { randomBytes } from 'node:crypto';
import type { Stats } from 'node:fs';
import { type FileHandle, link, open, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { targetExists, unwritable } from './destination.js';
import { type Sink, writeAll } from './sink.js';

/** Codes with which file systems without hard links refuse one. */
const NO_HARD_LINKS: ReadonlySet<string | undefined> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

/**
 * A file that appears under its name only when it is whole: written under a temporary name beside it, then linked to
 * its name, which fails when that has been taken meanwhile, or renamed over the file that it replaces.
 *
 * @param path with symlinks resolved
 * @param replaces the file that may be overwritten, whose mode is kept
 * @throws DIMGX_TARGET_UNWRITABLE, DIMGX_TARGET_NO_SPACE
 */
export async function openFileSink(path: string, replaces: Stats | undefined, signal?: AbortSignal): Promise<Sink> {
  const temporary = join(dirname(path), `.dimgx-${randomBytes(6).toString('hex')}.part`);
  const file = await open(temporary, 'wx', 0o666).catch((error: unknown) => {
    throw unwritable(path, error);
  });
  return new FileSink(path, temporary, file, replaces, signal);
}

class FileSink implements Sink {
  readonly #path: string;
  readonly #temporary: string;
  readonly #file: FileHandle;
  readonly #replaces: Stats | undefined;
  readonly #signal: AbortSignal | undefined;

  constructor(path: string, temporary: string, file: FileHandle, replaces: Stats | undefined, signal?: AbortSignal) {
    this.#path = path;
    this.#temporary = temporary;
    this.#file = file;
    this.#replaces = replaces;
    this.#signal = signal;
  }

  async write(bytes: Uint8Array): Promise<void> {
    await writeAll(this.#file.fd, bytes, this.#signal).catch(this.#fail);
  }

  async publish(): Promise<void> {
    if (this.#replaces) await this.#file.chmod(this.#replaces.mode & 0o7777).catch(this.#fail);
    await this.#file.close().catch(this.#fail);
    if (this.#replaces) await rename(this.#temporary, this.#path).catch(this.#fail);
    else await this.#link();
  }

  async discard(): Promise<void> {
    await this.#file.close().catch(() => undefined);
    await unlink(this.#temporary).catch(() => undefined);
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
    await rename(this.#temporary, this.#path).catch(this.#fail);
  }

  readonly #fail = (error: unknown): never => {
    throw this.#signal?.aborted ? error : unwritable(this.#path, error);
  };
}
