import { close, fchmod, fstatSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { onAbort } from '../base/call/on-abort.js';
import { TemporaryName } from '../base/io/temporary-name.js';
import { unwritable } from '../base/io/unwritable.js';
import { pathData } from '../base/text/printable.js';
import { findOld, type NamelessFile } from './put-in-place.js';
import { inodeOf } from './same-target.js';
import { type Sink, writeAll } from './sink.js';

const closeDescriptor = promisify(close);
const changeMode = promisify(fchmod);

/**
 * Opens a file that appears under its name only once it is complete. It is written under a temporary name in the same
 * folder; `putInPlace` gives it its own. The temporary name is removed as soon as the caller aborts.
 *
 * @param path with symlinks resolved
 * @param overwrite whether a regular file of that name may be replaced; its mode is kept
 * @throws DIMGX_TARGET_UNWRITABLE, DIMGX_TARGET_NO_SPACE
 */
export async function openFileSink(path: string, overwrite: boolean, signal?: AbortSignal): Promise<FileSink> {
  const temporary = await TemporaryName.in(dirname(path));
  try {
    return new FileSink(path, temporary, overwrite, signal);
  } catch (error) {
    await temporary.close();
    throw unwritable(path, error, pathData(path));
  }
}

export class FileSink implements Sink {
  readonly keepsBytes = false;
  readonly file: NamelessFile;
  readonly #fd: number;
  readonly #signal: AbortSignal | undefined;
  readonly #stopListening: () => void;
  #writing: Promise<void> = Promise.resolve();
  #closed = false;

  /** Creates the file synchronously: no signal can be handled between creating it and listening for an abort. */
  constructor(path: string, temporary: TemporaryName, overwrite: boolean, signal?: AbortSignal) {
    this.#signal = signal;
    this.#fd = openSync(temporary.path, 'wx', 0o666);
    this.file = { path, temporary, overwrite, inode: inodeOf(fstatSync(this.#fd, { bigint: true })) };
    if (signal?.aborted) this.#giveUp();
    this.#stopListening = signal && !signal.aborted ? onAbort(signal, this.#giveUp) : () => {};
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#writing = writeAll(this.#fd, bytes, this.#signal);
    await this.#writing.catch(this.#fail);
  }

  /**
   * Closes the file. It is ready to be put in place.
   *
   * @throws DIMGX_TARGET_EXISTS, DIMGX_TARGET_UNWRITABLE, DIMGX_TARGET_NO_SPACE
   */
  async end(): Promise<void> {
    const old = findOld(this.file);
    if (old) await changeMode(this.#fd, Number(old.mode & 0o7777n)).catch(this.#fail);
    this.#closed = true;
    await closeDescriptor(this.#fd).catch(this.#fail);
  }

  async discard(): Promise<void> {
    this.#giveUp();
    // A pending write may not have been awaited. Closing now could let another file reuse its descriptor number.
    await this.#writing.catch(() => undefined);
    if (!this.#closed) await closeDescriptor(this.#fd).catch(() => undefined);
    await this.release();
  }

  /** Gives back what the sink holds, once the file is in place. */
  async release(): Promise<void> {
    this.#stopListening();
    await this.file.temporary.close().catch(() => undefined);
  }

  readonly #giveUp = (): void => {
    try {
      this.file.temporary.remove();
    } catch {
      // Ignored if it cannot be removed: there already is an error or a signal to report.
    }
  };

  readonly #fail = (error: unknown): never => {
    throw this.#signal?.aborted ? error : unwritable(this.file.path, error, pathData(this.file.path));
  };
}
