import { writev } from 'node:fs';
import { promisify } from 'node:util';
import { MAX_PIECES, restOfPieces } from '../io/rest-of-pieces.js';

const writevAsync = promisify(writev);

/** Connections give 64 KiB at a time or less: written as they come, calls would cost more than the copy. */
const WRITE_SIZE = 2 ** 20;

export interface BlobWriterOptions {
  readonly fd: number;
  /** Where the blob begins in the file, in bytes. Default 0. */
  readonly start?: number;
  /** Of what is there of the blob, in bytes. */
  readonly length: number;
  /** Is told how many bytes have come since the last call. */
  readonly onBytes: (bytes: number) => void;
  /** Is told how much of the blob is in the file. */
  readonly onWritten: (length: number) => void;
}

/** Appends what comes in pieces to a file, one write after the other. What is written is written while more comes. */
export class BlobWriter {
  readonly #fd: number;
  readonly #start: number;
  readonly #onBytes: BlobWriterOptions['onBytes'];
  readonly #onWritten: BlobWriterOptions['onWritten'];
  #pieces: Buffer[] = [];
  #held = 0;
  #writing: Promise<void> = Promise.resolve();
  /** Of what has come, in bytes. */
  length: number;

  constructor({ fd, start = 0, length, onBytes, onWritten }: BlobWriterOptions) {
    this.#fd = fd;
    this.#start = start;
    this.length = length;
    this.#onBytes = onBytes;
    this.#onWritten = onWritten;
  }

  /** The piece is the writer's from now on. @throws what the operating system says */
  async take(piece: Buffer): Promise<void> {
    this.#pieces.push(piece);
    this.#held += piece.length;
    this.length += piece.length;
    this.#onBytes(piece.length);
    if (this.#held >= WRITE_SIZE || this.#pieces.length === MAX_PIECES) await this.#turn();
  }

  /** Resolves when all that has come is in the file. @throws as `take` */
  async flush(): Promise<void> {
    await this.#turn();
    await this.#writing;
  }

  /** Begins to write what is held when what was begun before is done. */
  async #turn(): Promise<void> {
    await this.#writing;
    const pieces = this.#pieces.filter((piece) => piece.length > 0);
    this.#writing = this.#write(pieces, this.length - this.#held);
    this.#writing.catch(() => undefined); // whoever waits for it next is told
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
