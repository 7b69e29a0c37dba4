import type { BlobWriter } from '../base/http/blob-writer.js';
import { CodingFailure, contentCodings, decodePieces } from '../base/http/content-coding.js';
import { parseContentRange } from '../base/http/content-range.js';
import type { HttpClient, HttpReply } from '../base/http/http-client.js';
import { HttpFailure } from '../base/http/http-failure.js';
import { DimgxError } from '../errors.js';
import type { Digest } from '../reference/digest.js';
import { RegistryRefusal } from './registry-refusal.js';

/** A blob that is wanted. */
export interface WantedBlob {
  readonly digest: Digest;
  /** In bytes. */
  readonly size: number;
  /** What to call it in messages, printable. */
  readonly name: string;
  /** What came before was damaged. Where no length tells whether an encoding is the blob's own, it is taken for that. */
  readonly isDoubted?: boolean;
}

/** A place that has a blob. */
export interface BlobOrigin {
  readonly http: HttpClient;
  /** That may go wrong one after the other without anything having come. */
  readonly attempts: number;
  /** Begins to read it, from a position on. @throws RegistryRefusal, HttpFailure, coded errors */
  open(first: number): Promise<HttpReply>;
  /** Whether what failed may go well the next time. */
  isPassing(failure: unknown): boolean;
  /** Waits before the next attempt. @throws DIMGX_ABORTED */
  wait(attempt: number, failure: unknown): Promise<void>;
}

/** With which an attempt counts as one that got on, in bytes. */
const LEAST_GAIN = 2 ** 16;

/**
 * Downloads what is missing of a blob, to the end of a file. What is cut or stalls goes on where it ended; no more bytes
 * are read than it is to have.
 *
 * @throws DIMGX_IMAGE_SIZE_MISMATCH, DIMGX_ABORTED; what the origin throws that does not pass; what the operating system
 *   says. All that has come is in the file then, too
 */
export async function downloadBlob(blob: WantedBlob, origin: BlobOrigin, writer: BlobWriter): Promise<void> {
  const download = new Download(blob, origin, writer);
  try {
    for (let attempt = 1; writer.length < blob.size; ) {
      const before = writer.length;
      try {
        await download.read();
      } catch (failure) {
        if (!origin.isPassing(failure)) throw failure;
        if (writer.length - before >= LEAST_GAIN) attempt = 1;
        else if (attempt++ >= origin.attempts) throw failure;
        await origin.wait(attempt, failure);
      }
    }
  } finally {
    await writer.flush();
  }
}

class Download {
  readonly #blob: WantedBlob;
  readonly #origin: BlobOrigin;
  readonly #writer: BlobWriter;
  /** The server can go on in the middle, as far as is known. */
  #resumes = true;
  /** The encodings that the server has laid over the blob, outermost first. */
  #codings: readonly string[] = [];

  constructor(blob: WantedBlob, origin: BlobOrigin, writer: BlobWriter) {
    this.#blob = blob;
    this.#origin = origin;
    this.#writer = writer;
  }

  /** One request: what comes is written. */
  async read(): Promise<void> {
    const first = this.#resumes ? this.#writer.length : 0;
    const reply = await this.#open(first);
    const skipped = this.#positionOf(reply, first);
    await this.#take(reply, skipped);
  }

  /** A server that has nothing from there on has a shorter blob, or does not know ranges. */
  async #open(first: number): Promise<HttpReply> {
    try {
      return await this.#origin.open(first);
    } catch (failure) {
      if (first === 0 || !(failure instanceof RegistryRefusal) || failure.status !== 416) throw failure;
      this.#resumes = false;
      return this.#origin.open(0);
    }
  }

  /** @returns how many bytes come that are there already */
  #positionOf(reply: HttpReply, first: number): number {
    const { size } = this.#blob;
    this.#codings = [];
    if (reply.status === 206) {
      const range = parseContentRange(reply.headers('content-range')[0]);
      const isWanted = range?.first === first && (range.total ?? size) === size;
      if (!isWanted) {
        reply.body.destroy();
        this.#resumes = false;
        throw new HttpFailure('cut', 'it sends another part than the one that was asked for');
      }
      return this.#writer.length - first;
    }
    const [length] = reply.headers('content-length');
    const codings = contentCodings(reply.headers('content-encoding'));
    // a layer is often called encoded because it is compressed: then it has its own length
    const isOver = length === undefined ? !this.#blob.isDoubted : Number(length) !== size;
    if (codings.length > 0 && isOver) {
      this.#codings = codings;
      this.#resumes = false;
      return this.#writer.length;
    }
    if (length !== undefined && Number(length) !== size) {
      reply.body.destroy();
      throw otherSize(this.#blob, Number(length));
    }
    return this.#writer.length;
  }

  async #take(reply: HttpReply, skipped: number): Promise<void> {
    let skip = skipped;
    try {
      for await (const piece of decodePieces(this.#origin.http.pieces(reply), this.#codings)) {
        const fresh = piece.subarray(Math.min(skip, piece.length));
        skip -= piece.length - fresh.length;
        if (this.#writer.length + fresh.length > this.#blob.size) throw otherSize(this.#blob, undefined);
        if (fresh.length > 0) await this.#writer.take(fresh);
      }
    } catch (failure) {
      if (!(failure instanceof CodingFailure)) throw failure;
      throw otherSize(this.#blob, this.#writer.length);
    }
    if (this.#writer.length === this.#blob.size) return;
    // without ranges there is no telling a cut from a blob that is too short
    if (!this.#resumes) throw otherSize(this.#blob, this.#writer.length);
    throw new HttpFailure('cut', `it ended after ${this.#writer.length} of ${this.#blob.size} bytes`);
  }
}

function otherSize({ name, size }: WantedBlob, actual: number | undefined): DimgxError {
  const what = actual === undefined ? 'more come' : `${actual} come`;
  const message = `${name} should be ${size} bytes long and ${what}: the registry's copy is damaged or was altered`;
  return new DimgxError('DIMGX_IMAGE_SIZE_MISMATCH', message);
}
