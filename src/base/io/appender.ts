import { write } from 'node:fs';
import { promisify } from 'node:util';
import { handledLater } from '../call/deferred.js';

/**
 * Size of a write, in bytes. Pipes and connections deliver at most 64 KiB at a time. Writing each piece at once would
 * cost more in calls than copying it does.
 */
const WRITE_SIZE = 2 ** 20;

export interface AppenderOptions {
  /** Writes all the bytes. It is called once at a time, and owns the bytes until its promise settles. */
  readonly write: (bytes: Uint8Array, position: number) => Promise<void>;
  /** Position of the first byte to append. Default 0. */
  readonly length?: number;
  /** Called with the number of bytes appended since the last call. If it throws, `append` fails with that error. */
  readonly onAppended?: (bytes: number) => void;
}

/** Joins pieces into large writes. Pieces are copied into one of two buffers; one is filled while the other is written. */
export class Appender {
  readonly #write: AppenderOptions['write'];
  readonly #onAppended: AppenderOptions['onAppended'];
  #filling: Buffer = Buffer.allocUnsafeSlow(WRITE_SIZE);
  /** Made when the first buffer is full: many blobs are smaller. */
  #spare: Buffer | undefined;
  /** Number of bytes in the buffer being filled. */
  #filled = 0;
  /** Position of the buffer being filled. */
  #position: number;
  /** Settles when the spare buffer has been written. */
  #writing: Promise<void> = Promise.resolve();

  constructor({ write, length = 0, onAppended }: AppenderOptions) {
    this.#write = write;
    this.#position = length;
    this.#onAppended = onAppended;
  }

  /** Length with all bytes that were appended, written or not. */
  get length(): number {
    return this.#position + this.#filled;
  }

  /**
   * @returns `undefined` if the piece has been copied; otherwise the piece is needed until the promise resolves
   * @throws what `write` throws, now or at a later call
   */
  readonly append = (piece: Buffer): Promise<void> | undefined => {
    const copied = piece.copy(this.#filling, this.#filled);
    this.#filled += copied;
    this.#onAppended?.(copied);
    if (this.#filled < WRITE_SIZE) return undefined;
    return this.#turn().then(() => (copied < piece.length ? this.append(piece.subarray(copied)) : undefined));
  };

  /**
   * Resolves once all bytes appended are written. The last write may be empty. More pieces may follow.
   *
   * @throws as `append`
   */
  async flush(): Promise<void> {
    await this.#turn();
    await this.#writing;
  }

  /** Starts writing the filled buffer once the other one has been written. */
  async #turn(): Promise<void> {
    await this.#writing;
    const full = this.#filling;
    this.#writing = handledLater(this.#write(full.subarray(0, this.#filled), this.#position));
    this.#filling = this.#spare ?? Buffer.allocUnsafeSlow(WRITE_SIZE);
    this.#spare = full;
    this.#position += this.#filled;
    this.#filled = 0;
  }
}

const writeAsync = promisify(write);

/** Writes all the bytes, the first at `position`. @throws the operating system's error */
export async function writeAllAt(fd: number, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await writeAsync(fd, bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
}
