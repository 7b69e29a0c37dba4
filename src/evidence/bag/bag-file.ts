import { createHash } from 'node:crypto';
import { close, openSync } from 'node:fs';
import { promisify } from 'node:util';
import { writeAllAt } from '../../base/io/appender.js';
import type { PayloadFile } from './tag-files.js';

const closeDescriptor = promisify(close);

/** What is known about a file once it is complete. */
export type FileSum = Omit<PayloadFile, 'path'>;

/** A new file that is hashed as it is written. Either `end` or `discard` is called once, at the end. */
export class BagFile {
  /** The caller may fill a buffer again once it is written. */
  readonly keepsBytes = false;
  readonly #fd: number;
  readonly #onWhole: (sum: FileSum) => void;
  readonly #explain: (failure: unknown) => Error;
  readonly #hash = createHash('sha256');
  #size = 0;
  #writing: Promise<void> = Promise.resolve();
  #isClosed = false;

  /**
   * Creates the file synchronously.
   *
   * @param onWhole called when the file is complete
   * @param explain gives an error of the operating system its code
   * @throws the operating system's error
   */
  constructor(path: string, onWhole: (sum: FileSum) => void, explain: (failure: unknown) => Error) {
    this.#fd = openSync(path, 'wx', 0o666);
    this.#onWhole = onWhole;
    this.#explain = explain;
  }

  /** Writes the bytes, which belong to the file until this resolves. Call it once at a time. @throws DIMGX_TARGET_* */
  async write(bytes: Uint8Array): Promise<void> {
    this.#writing = writeAllAt(this.#fd, bytes, this.#size);
    this.#writing.catch(() => undefined); // a failure is thrown below
    this.#size += bytes.length;
    this.#hash.update(bytes);
    await this.#call(this.#writing);
  }

  /** Closes the file, which is complete. @throws DIMGX_TARGET_* */
  async end(): Promise<void> {
    this.#isClosed = true;
    await this.#call(closeDescriptor(this.#fd));
    this.#onWhole({ size: this.#size, sha256: this.#hash.digest('hex') });
  }

  /** Closes the file. It is left to the bag to remove it. */
  async discard(): Promise<void> {
    await this.#writing.catch(() => undefined);
    if (this.#isClosed) return;
    this.#isClosed = true;
    await closeDescriptor(this.#fd).catch(() => undefined);
  }

  async #call(work: Promise<void>): Promise<void> {
    await work.catch((failure) => {
      throw this.#explain(failure);
    });
  }
}
