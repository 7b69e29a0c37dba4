import { DimgxError } from '../../errors.js';
import { printable } from '../../image/printable.js';
import type { HttpClient, HttpReply } from './http-client.js';

/**
 * All of a body.
 *
 * @param limit in bytes; no more are read
 * @throws DIMGX_IMAGE_TOO_LARGE, HttpFailure, DIMGX_ABORTED
 */
export async function readReply(http: HttpClient, reply: HttpReply, limit: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of http.pieces(reply)) {
    length += piece.length;
    if (length > limit) throw tooLarge(reply.url, limit);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/** The beginning of a body, for an error. Never fails. */
export async function readBeginning(http: HttpClient, reply: HttpReply, limit: number): Promise<string> {
  const pieces: Buffer[] = [];
  let length = 0;
  try {
    for await (const piece of http.pieces(reply)) {
      pieces.push(piece);
      length += piece.length;
      if (length >= limit) break;
    }
  } catch {
    // what has come must do
  }
  return Buffer.concat(pieces).toString('utf8', 0, Math.min(length, limit));
}

function tooLarge({ host }: URL, limit: number): DimgxError {
  const message = `a document of ${printable(host, 200)} is larger than ${limit} bytes: nothing more of it is read`;
  return new DimgxError('DIMGX_IMAGE_TOO_LARGE', message);
}
