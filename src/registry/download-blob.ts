import { parseContentRange } from '../base/http/headers.js';
import type { HttpClient, HttpReply } from '../base/http/http-client.js';
import { HttpFailure } from '../base/http/http-failure.js';
import { CodingFailure, contentCodings, decodePieces } from '../base/http/read-reply.js';
import type { Appender } from '../base/io/appender.js';
import { DimgxError } from '../errors.js';
import type { Digest } from '../reference/digest.js';
import { RegistryRefusal } from './registry-refusal.js';

/** A blob to download. */
export interface WantedBlob {
  readonly digest: Digest;
  /** In bytes. */
  readonly size: number;
  /** Its name in messages, printable. */
  readonly name: string;
  /**
   * The previous download was damaged. If there is then no Content-Length to decide whether an encoding is the blob's
   * own, the encoding is assumed to be its own.
   */
  readonly isDoubted?: boolean;
}

/** A place that has a blob. */
export interface BlobOrigin {
  readonly http: HttpClient;
  /** Number of attempts in a row that may fail without progress. */
  readonly attempts: number;
  /** Starts reading at an offset. @throws RegistryRefusal, HttpFailure, coded errors */
  open(first: number): Promise<HttpReply>;
  /** Whether the failure is worth a retry. */
  isPassing(failure: unknown): boolean;
  /** Waits before the next attempt. @throws DIMGX_ABORTED */
  wait(attempt: number, failure: unknown): Promise<void>;
}

/** Bytes that an attempt must gain to count as progress. */
const LEAST_GAIN = 2 ** 16;

/**
 * Downloads the rest of a blob, appending to a file. A download that is cut or stalls resumes where it stopped. It
 * never reads more bytes than the blob's size.
 *
 * @throws DIMGX_IMAGE_SIZE_MISMATCH, DIMGX_ABORTED; an error of the origin that is not worth a retry; an error of the
 *   operating system. The bytes received so far are in the file even then
 */
export async function downloadBlob(blob: WantedBlob, origin: BlobOrigin, file: Appender): Promise<void> {
  const download = new Download(blob, origin, file);
  try {
    for (let attempt = 1; file.length < blob.size; ) {
      const before = file.length;
      try {
        await download.read();
      } catch (failure) {
        if (!origin.isPassing(failure)) throw failure;
        if (file.length - before >= LEAST_GAIN) attempt = 1;
        else if (attempt++ >= origin.attempts) throw failure;
        await origin.wait(attempt, failure);
      }
    }
  } finally {
    await file.flush();
  }
}

class Download {
  readonly #blob: WantedBlob;
  readonly #origin: BlobOrigin;
  readonly #file: Appender;
  /** Whether the server can resume in the middle, as far as is known. */
  #resumes = true;
  /** The encodings that the server has applied to the blob, outermost first. */
  #codings: readonly string[] = [];

  constructor(blob: WantedBlob, origin: BlobOrigin, file: Appender) {
    this.#blob = blob;
    this.#origin = origin;
    this.#file = file;
  }

  /** Makes one request, and writes what it returns. */
  async read(): Promise<void> {
    const first = this.#resumes ? this.#file.length : 0;
    const reply = await this.#open(first);
    const skipped = this.#positionOf(reply, first);
    await this.#take(reply, skipped);
  }

  /** A server that answers 416 has a shorter blob, or does not support ranges. */
  async #open(first: number): Promise<HttpReply> {
    try {
      return await this.#origin.open(first);
    } catch (failure) {
      if (first === 0 || !(failure instanceof RegistryRefusal) || failure.status !== 416) throw failure;
      this.#resumes = false;
      return this.#origin.open(0);
    }
  }

  /** @returns how many of the bytes to come are already in the file */
  #positionOf(reply: HttpReply, first: number): number {
    const { size } = this.#blob;
    this.#codings = [];
    if (reply.status === 206) {
      const range = parseContentRange(reply.headers('content-range')[0]);
      const isWanted = range?.first === first && (range.total ?? size) === size;
      if (!isWanted) {
        reply.body.destroy();
        this.#resumes = false;
        throw new HttpFailure('cut', 'it sent a different range than requested');
      }
      return this.#file.length - first;
    }
    const [length] = reply.headers('content-length');
    const codings = contentCodings(reply.headers('content-encoding'));
    // a layer is often labelled as encoded because it is compressed; its length is then the blob's own
    const isOver = length === undefined ? !this.#blob.isDoubted : Number(length) !== size;
    if (codings.length > 0 && isOver) {
      this.#codings = codings;
      this.#resumes = false;
      return this.#file.length;
    }
    if (length !== undefined && Number(length) !== size) {
      reply.body.destroy();
      throw wrongSize(this.#blob, Number(length));
    }
    return this.#file.length;
  }

  async #take(reply: HttpReply, skipped: number): Promise<void> {
    let skip = skipped;
    try {
      for await (const piece of decodePieces(this.#origin.http.pieces(reply), this.#codings)) {
        const fresh = piece.subarray(Math.min(skip, piece.length));
        skip -= piece.length - fresh.length;
        if (this.#file.length + fresh.length > this.#blob.size) throw wrongSize(this.#blob, undefined);
        if (fresh.length > 0) await this.#file.append(fresh);
      }
    } catch (failure) {
      if (!(failure instanceof CodingFailure)) throw failure;
      throw wrongSize(this.#blob, this.#file.length);
    }
    if (this.#file.length === this.#blob.size) return;
    // without ranges, a cut download cannot be told from a blob that is too short
    if (!this.#resumes) throw wrongSize(this.#blob, this.#file.length);
    throw new HttpFailure('cut', `it ended after ${this.#file.length} of ${this.#blob.size} bytes`);
  }
}

function wrongSize({ name, size }: WantedBlob, actual: number | undefined): DimgxError {
  const what = actual === undefined ? 'more were sent' : `${actual} were sent`;
  const message = `${name} should be ${size} bytes long and ${what}: the registry's copy is damaged or was altered`;
  return new DimgxError('DIMGX_IMAGE_SIZE_MISMATCH', message);
}
