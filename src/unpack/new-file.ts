import { closeSync, fchmodSync, ftruncateSync, futimesSync, write, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import type { Metadata } from '../tar/entry.js';
import type { PassingSparse } from '../tar/passing-tar.js';
import { timeArgument } from './time-argument.js';
import type { Turns } from './turns.js';

const writeAsync = promisify(write);

/** Length in bytes up to which a write does not leave this thread: to hand it to another one takes longer. */
const SHORT = 128 * 1024;

type FileMetadata = Pick<Metadata, 'mode' | 'mtime' | 'mtimeNanos'>;

/** A file that is being written. It gets its permissions and its time at the end. */
export class NewFile {
  readonly #fd: number;
  readonly #metadata: FileMetadata;
  readonly #sparse: PassingSparse | undefined;
  readonly #turns: Turns;
  #writing: Promise<void> | undefined;
  /** Where in the file the next byte goes. */
  #position = 0;
  /** Of a sparse file: stored bytes to skip, the index in the map of the next stretch, and what is left of this one. */
  #skip: number;
  #next = 0;
  #stretch = 0;

  /**
   * @param fd of an empty file; this object closes it
   * @param sparse for a sparse file: its holes are not written
   */
  constructor(fd: number, metadata: FileMetadata, sparse: PassingSparse | undefined, turns: Turns) {
    this.#fd = fd;
    this.#metadata = metadata;
    this.#sparse = sparse;
    this.#skip = sparse?.skip ?? 0;
    this.#turns = turns;
  }

  /**
   * Takes the next stored bytes. They belong to the caller again once this returns, or its promise resolves.
   *
   * @throws the operating system's error; DIMGX_ABORTED
   */
  write(stored: Uint8Array): Promise<void> | undefined {
    this.#writing = this.#sparse ? this.#writeStretches(stored, this.#sparse.map) : this.#put(stored);
    return this.#writing;
  }

  /** Gives the file its length, its permissions and its time, and closes it. @throws the operating system's error */
  finish(): void {
    const { mode, mtime, mtimeNanos } = this.#metadata;
    const time = timeArgument(mtime, mtimeNanos);
    try {
      if (this.#sparse) ftruncateSync(this.#fd, this.#sparse.realSize);
      fchmodSync(this.#fd, mode & 0o777);
      futimesSync(this.#fd, time, time);
    } finally {
      closeSync(this.#fd);
    }
  }

  /** Closes the file after a failure, once a write that nobody waits for has ended: it must not hit another file. */
  async abandon(): Promise<void> {
    await this.#writing?.catch(() => undefined);
    closeSync(this.#fd);
  }

  async #writeStretches(stored: Uint8Array, map: readonly number[]): Promise<void> {
    const skipped = Math.min(this.#skip, stored.length);
    this.#skip -= skipped;
    for (let at = skipped; at < stored.length; ) {
      while (this.#stretch === 0 && this.#next < map.length) {
        this.#position = map[this.#next] as number;
        this.#stretch = map[this.#next + 1] as number;
        this.#next += 2;
      }
      const part = stored.subarray(at, at + this.#stretch);
      if (part.length === 0) return; // the map tells of no more
      await this.#put(part);
      this.#stretch -= part.length;
      at += part.length;
      await this.#turns.due();
    }
  }

  #put(bytes: Uint8Array): Promise<void> | undefined {
    if (bytes.length > SHORT) return this.#putElsewhere(bytes);
    for (let done = 0; done < bytes.length; )
      done += this.#advance(writeSync(this.#fd, bytes, done, null, this.#position));
    return undefined;
  }

  async #putElsewhere(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await writeAsync(this.#fd, bytes, done, bytes.length - done, this.#position);
      done += this.#advance(bytesWritten);
    }
  }

  #advance(bytes: number): number {
    this.#position += bytes;
    return bytes;
  }
}
