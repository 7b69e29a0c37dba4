import { writev } from 'node:fs';
import { promisify } from 'node:util';
import { MAX_PIECES, restOfPieces } from '../io/region.js';

const writevAsync = promisify(writev);

/**
 * Size of a write, in bytes. Connections deliver at most 64 KiB at a time; writing each piece at once would cost more
 * in calls than in copying.
 */
const WRITE_SIZE = 2 ** 20;

export interface BlobWriterOptions {
  readonly fd: number;
  /** Offset in the file where the blob begins, in bytes. Default 0. */
  readonly start?: number;
  /** Size of the part of the blob already in the file, in bytes. */
  readonly length: number;
  /** Called with the number of bytes received since the last call. */
  readonly onBytes: (bytes: number) => void;
  /** Called with the number of bytes of the blob written to the file. */
  readonly onWritten: (length: number) => void;
}

/** Appends pieces to a file, one write at a time. Writing overlaps with receiving more pieces. */
export class BlobWriter {
  readonly #fd: number;
  readonly #start: number;
  readonly #onBytes: BlobWriterOptions['onBytes'];
  readonly #onWritten: BlobWriterOptions['onWritten'];
  #pieces: Buffer[] = [];
  #held = 0;
  #writing: Promise<void> = Promise.resolve();
  /** Bytes received, including those already in the file. */
  length: number;

  constructor({ fd, start = 0, length, onBytes, onWritten }: BlobWriterOptions) {
    this.#fd = fd;
    this.#start = start;
    this.length = length;
    this.#onBytes = onBytes;
    this.#onWritten = onWritten;
  }

  /** Takes ownership of the piece. @throws the operating system's error */
  async take(piece: Buffer): Promise<void> {
    this.#pieces.push(piece);
    this.#held += piece.length;
    this.length += piece.length;
    this.#onBytes(piece.length);
    if (this.#held >= WRITE_SIZE || this.#pieces.length === MAX_PIECES) await this.#turn();
  }

  /** Resolves once everything received is in the file. @throws as `take` */
  async flush(): Promise<void> {
    await this.#turn();
    await this.#writing;
  }

  /** Waits for the previous write, then starts to write what is buffered. */
  async #turn(): Promise<void> {
    await this.#writing;
    const pieces = this.#pieces.filter((piece) => piece.length > 0);
    this.#writing = this.#write(pieces, this.length - this.#held);
    this.#writing.catch(() => undefined); // Mark as handled now; the next `await` of `#writing` rethrows it.
    this.#pieces = [];
    this.#held = 0;
  }

  async #write(pieces: Buffer[], position: number): Promise<void> {
    let at = position;
    for (let left = pieces; left.length > 0; ) {
      const { bytesWritten } = await writevAsync(this.#fd, left, this.#start + at);
      at += bytesWritten;
      left = restOfPieces(left, bytesWritten);
    }
    this.#onWritten(at);
  }
}
