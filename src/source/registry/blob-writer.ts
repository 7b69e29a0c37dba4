import { createHash, type Hash } from 'node:crypto';
import { writev } from 'node:fs';
import { promisify } from 'node:util';
import { DimgxError } from '../../errors.js';
import { algorithmOf, type Digest } from '../../image/digest.js';
import type { DownloadTarget } from '../../store/blob-cache.js';
import { readRegion } from '../read-region.js';

const writevAsync = promisify(writev);

/** Connections give 64 KiB at a time or less: written as they come, calls would cost more than the copy. */
const WRITE_SIZE = 2 ** 20;

/** Writes a blob that comes in pieces, one behind the other, and hashes it. What is written is written while more comes. */
export class BlobWriter {
  readonly #fd: number;
  readonly #algorithm: string;
  readonly #onBytes: (bytes: number) => void;
  #hash: Hash;
  #pieces: Buffer[] = [];
  #held = 0;
  #writing: Promise<void> = Promise.resolve();
  /** Of what has come, in bytes. */
  length = 0;

  /** @param onBytes is told how much longer the blob has become; less than nothing when it is begun anew */
  constructor(fd: number, digest: Digest, onBytes: (bytes: number) => void) {
    this.#fd = fd;
    this.#algorithm = algorithmOf(digest);
    this.#hash = createHash(this.#algorithm);
    this.#onBytes = onBytes;
  }

  /** Takes what is in the file already for the beginning. @throws DIMGX_SOURCE_UNREADABLE, DIMGX_EXTRACT_CHANGED */
  async takeWritten({ from }: DownloadTarget): Promise<void> {
    const read = readRegion({ fd: this.#fd, offset: 0, length: from });
    const buffer = Buffer.allocUnsafe(Math.min(WRITE_SIZE, from));
    while (this.length < from) {
      const piece = buffer.subarray(0, Math.min(buffer.length, from - this.length));
      await read(piece, this.length);
      this.#hash.update(piece);
      this.length += piece.length;
    }
    this.#onBytes(from);
  }

  /** The piece is the writer's from now on. @throws DIMGX_SOURCE_NO_SPACE */
  async take(piece: Buffer): Promise<void> {
    this.#hash.update(piece);
    this.#pieces.push(piece);
    this.#held += piece.length;
    this.length += piece.length;
    this.#onBytes(piece.length);
    if (this.#held >= WRITE_SIZE) await this.#turn();
  }

  /** Resolves when all that has come is in the file. @throws DIMGX_SOURCE_NO_SPACE */
  async flush(): Promise<void> {
    await this.#turn();
    await this.#writing;
  }

  /** Begins anew: nothing has come. */
  restart(): void {
    this.#onBytes(-this.length);
    this.#hash = createHash(this.#algorithm);
    this.#pieces = [];
    this.#held = 0;
    this.length = 0;
  }

  /** Of all that has come. The writer takes no more afterwards, unless it begins anew. */
  digest(): Digest {
    return `${this.#algorithm as 'sha256'}:${this.#hash.digest('hex')}`;
  }

  /** Begins to write what is held when what was begun before is done. */
  async #turn(): Promise<void> {
    await this.#writing;
    const pieces = this.#pieces;
    this.#writing = this.#write(pieces, this.length - this.#held);
    this.#writing.catch(() => undefined); // whoever waits for it next is told
    this.#pieces = [];
    this.#held = 0;
  }

  async #write(pieces: readonly Buffer[], position: number): Promise<void> {
    let at = position;
    for (let rest = pieces.filter((piece) => piece.length > 0); rest.length > 0; ) {
      const { bytesWritten } = await writevAsync(this.#fd, rest.slice(0, MAX_PIECES), at).catch(refuse);
      at += bytesWritten;
      rest = behind(rest, bytesWritten);
    }
  }
}

/** Of one call. Source: POSIX, IOV_MAX, which is 1024 on Linux. */
const MAX_PIECES = 512;

/** What is left of pieces when so many of their bytes are written. */
function behind(pieces: readonly Buffer[], written: number): Buffer[] {
  let left = written;
  return pieces.flatMap((piece) => {
    const gone = Math.min(left, piece.length);
    left -= gone;
    return gone === piece.length ? [] : [piece.subarray(gone)];
  });
}

function refuse(cause: unknown): never {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const message = `what is downloaded cannot be written (${reason}): choose another folder with --tmp-dir`;
  throw new DimgxError('DIMGX_SOURCE_NO_SPACE', message, { cause });
}
