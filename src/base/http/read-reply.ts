import { DimgxError } from '../../errors.js';
import { printable } from '../text/printable.js';
import { CodingFailure, contentCodings, decodePieces } from './content-coding.js';
import type { HttpClient, HttpReply } from './http-client.js';

/**
 * Reads a whole body and removes the content encodings its headers declare. A body not encoded as declared is returned
 * as it is.
 *
 * @param limit maximum size in bytes, both before and after decoding; reading stops there
 * @throws DIMGX_IMAGE_TOO_LARGE, HttpFailure, DIMGX_ABORTED
 */
export async function readReply(http: HttpClient, reply: HttpReply, limit: number): Promise<Buffer> {
  const codings = contentCodings(reply.headers('content-encoding'));
  const bytes = await readAll(http.pieces(reply), limit, reply.url);
  if (codings.length === 0) return bytes;
  try {
    return await readAll(decodePieces(asPieces(bytes), codings), limit, reply.url);
  } catch (failure) {
    if (failure instanceof CodingFailure) return bytes;
    throw failure;
  }
}

/** Reads the beginning of a body, for an error message. Never fails. */
export async function readBeginning(http: HttpClient, reply: HttpReply, limit: number): Promise<string> {
  const bytes = await readSome(http.pieces(reply), limit);
  try {
    const codings = contentCodings(reply.headers('content-encoding'));
    const text = codings.length === 0 ? bytes : await readSome(decodePieces(asPieces(bytes), codings), limit);
    return (text.length === 0 ? bytes : text).toString('utf8');
  } catch {
    return bytes.toString('utf8');
  }
}

async function readAll(pieces: AsyncIterable<Buffer>, limit: number, url: URL): Promise<Buffer> {
  const read: Buffer[] = [];
  let length = 0;
  for await (const piece of pieces) {
    length += piece.length;
    if (length > limit) throw tooLarge(url, limit);
    read.push(piece);
  }
  return Buffer.concat(read);
}

/** Reads up to `limit` bytes, or up to the first failure. */
async function readSome(pieces: AsyncIterable<Buffer>, limit: number): Promise<Buffer> {
  const read: Buffer[] = [];
  let length = 0;
  try {
    for await (const piece of pieces) {
      read.push(piece);
      length += piece.length;
      if (length >= limit) break;
    }
  } catch {
    // use what has arrived
  }
  return Buffer.concat(read).subarray(0, limit);
}

async function* asPieces(bytes: Buffer): AsyncGenerator<Buffer, void> {
  if (bytes.length > 0) yield bytes;
}

function tooLarge({ host }: URL, limit: number): DimgxError {
  const message = `a document of ${printable(host, 200)} is larger than ${limit} bytes: nothing more of it is read`;
  return new DimgxError('DIMGX_IMAGE_TOO_LARGE', message);
}
