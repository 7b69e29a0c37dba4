import { close, fchmod, openSync } from 'node:fs';
import { link, lstat, open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { TemporaryName } from '../base/io/temporary-name.js';
import { unwritable } from '../base/io/unwritable.js';
import { pathData, quoted } from '../base/text/printable.js';
import { DimgxError } from '../errors.js';
import { targetExists } from './destination.js';
import { type Sink, writeAll } from './sink.js';

const closeDescriptor = promisify(close);
const changeMode = promisify(fchmod);

/** Error codes from `link` on file systems without hard links. */
const NO_HARD_LINKS: ReadonlySet<string | undefined> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

/**
 * Opens a file that appears under its name only once it is complete. It is written under a temporary name in the same
 * folder. Then it is linked to its name, which fails if that exists by now, or renamed over the file it replaces. The
 * temporary name is removed as soon as the caller aborts.
 *
 * @param path with symlinks resolved
 * @param overwrite whether a regular file of that name may be replaced; its mode is kept
 * @throws DIMGX_TARGET_UNWRITABLE, DIMGX_TARGET_NO_SPACE
 */
export async function openFileSink(path: string, overwrite: boolean, signal?: AbortSignal): Promise<Sink> {
  const temporary = await TemporaryName.in(dirname(path));
  try {
    return new FileSink(path, temporary, overwrite, signal);
  } catch (error) {
    await temporary.close();
    throw unwritable(path, error, pathData(path));
  }
}

class FileSink implements Sink {
  readonly #path: string;
  readonly #temporary: TemporaryName;
  readonly #fd: number;
  readonly #overwrite: boolean;
  readonly #signal: AbortSignal | undefined;
  #writing: Promise<void> = Promise.resolve();
  #closed = false;

  /** Creates the file synchronously: no signal can be handled between creating it and listening for an abort. */
  constructor(path: string, temporary: TemporaryName, overwrite: boolean, signal?: AbortSignal) {
    this.#path = path;
    this.#temporary = temporary;
    this.#overwrite = overwrite;
    this.#signal = signal;
    this.#fd = openSync(temporary.path, 'wx', 0o666);
    if (signal?.aborted) this.#giveUp();
    else signal?.addEventListener('abort', this.#giveUp);
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#writing = writeAll(this.#fd, bytes, this.#signal);
    await this.#writing.catch(this.#fail);
  }

  async publish(): Promise<void> {
    const mode = this.#overwrite ? await this.#modeOfOld() : undefined;
    if (mode !== undefined) await changeMode(this.#fd, mode).catch(this.#fail);
    this.#closed = true;
    await closeDescriptor(this.#fd).catch(this.#fail);
    if (mode !== undefined) await rename(this.#temporary.path, this.#path).catch(this.#fail);
    else await this.#link();
    await this.#release();
  }

  async discard(): Promise<void> {
    this.#giveUp();
    // A pending write may not have been awaited. Closing now could let another file reuse its descriptor number.
    await this.#writing.catch(() => undefined);
    if (!this.#closed) await closeDescriptor(this.#fd).catch(() => undefined);
    await this.#release();
  }

  async #release(): Promise<void> {
    this.#signal?.removeEventListener('abort', this.#giveUp);
    await this.#temporary.close().catch(() => undefined);
  }

  /** Mode of the file that has the name now. It may have been created or removed while this one was written. */
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
      await link(this.#temporary.path, this.#path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST') throw targetExists(this.#path);
      if (!NO_HARD_LINKS.has(code)) this.#fail(error);
      return this.#claim();
    }
    try {
      this.#temporary.remove();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Fallback without hard links: claims the name with an empty file, then renames over it. */
  async #claim(): Promise<void> {
    // The rest is quick and must not be interrupted half-way.
    this.#signal?.removeEventListener('abort', this.#giveUp);
    const claim = await open(this.#path, 'wx', 0o666).catch((error: NodeJS.ErrnoException) => {
      throw error.code === 'EEXIST' ? targetExists(this.#path) : unwritable(this.#path, error, pathData(this.#path));
    });
    await claim.close();
    await rename(this.#temporary.path, this.#path).catch(async (error: unknown) => {
      await unlink(this.#path).catch(() => undefined);
      this.#fail(error);
    });
  }

  readonly #giveUp = (): void => {
    try {
      this.#temporary.remove();
    } catch {
      // Ignored if it cannot be removed: there already is an error or a signal to report.
    }
  };

  readonly #fail = (error: unknown): never => {
    throw this.#signal?.aborted ? error : unwritable(this.#path, error, pathData(this.#path));
  };
}
