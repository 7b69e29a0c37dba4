import { pipeline, Readable, type Transform } from 'node:stream';
import zlib from 'node:zlib';
import { DimgxError } from '../../errors.js';
import { printable } from '../text/printable.js';
import type { HttpClient, HttpReply } from './http-client.js';
import { HttpFailure } from './http-failure.js';

/**
 * Reads a whole body and removes the content encodings its headers declare. A body not encoded as declared is returned
 * as it is.
 *
 * @param limit maximum size in bytes, both before and after decoding; reading stops there
 * @throws DIMGX_IMAGE_DOCUMENT_TOO_LARGE, HttpFailure, DIMGX_ABORTED
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
  const message = `a document from ${printable(host, 200)} is larger than ${limit} bytes`;
  return new DimgxError('DIMGX_IMAGE_DOCUMENT_TOO_LARGE', message);
}

/** The bytes are not encoded as a header says. */
export class CodingFailure extends Error {}

/** Available from Node 22.15 on. */
const createZstdDecompress: unknown = 'createZstdDecompress' in zlib ? zlib.createZstdDecompress : undefined;

type MakeDecoder = (first: Buffer) => Transform;

const DECODERS: Readonly<Record<string, MakeDecoder>> = {
  gzip: () => zlib.createGunzip(),
  'x-gzip': () => zlib.createGunzip(),
  // it should be in zlib format, but some servers send it without zlib's two-byte header
  deflate: (first) => (isZlib(first) ? zlib.createInflate() : zlib.createInflateRaw()),
  br: () => zlib.createBrotliDecompress(),
  ...(typeof createZstdDecompress === 'function' && { zstd: () => createZstdDecompress() as Transform }),
};

/** Maximum number of encodings on one body. Well-behaved servers apply one. */
const MAX_CODINGS = 4;

/**
 * The encodings that `Content-Encoding` headers declare, outermost first. Unknown ones are skipped, such as the
 * character sets that some stores put there. Source: RFC 9110, section 8.4.
 *
 * @throws HttpFailure if there are more than `MAX_CODINGS`
 */
export function contentCodings(headers: readonly string[]): readonly string[] {
  const names = headers.flatMap((header) => header.toLowerCase().split(',')).map((name) => name.trim());
  const known = names.filter((name) => Object.hasOwn(DECODERS, name)).reverse();
  if (known.length <= MAX_CODINGS) return known;
  throw new HttpFailure('refused', `its answer has ${known.length} nested encodings`);
}

/**
 * Decodes pieces as they arrive, no faster than the result is read.
 *
 * @param codings from `contentCodings`
 * @throws CodingFailure, and what the pieces throw
 */
export function decodePieces(pieces: AsyncIterable<Buffer>, codings: readonly string[]): AsyncIterable<Buffer> {
  return codings.reduce(decodeOnce, pieces);
}

async function* decodeOnce(pieces: AsyncIterable<Buffer>, name: string): AsyncGenerator<Buffer, void> {
  const source = pieces[Symbol.asyncIterator]();
  const first = await source.next();
  if (first.done) return;
  const whole = async function* () {
    yield first.value;
    yield* { [Symbol.asyncIterator]: () => source };
  };
  const decoder = (DECODERS[name] as MakeDecoder)(first.value);
  try {
    yield* pipeline(Readable.from(whole()), decoder, () => undefined) as AsyncIterable<Buffer>;
  } catch (failure) {
    if (failure instanceof HttpFailure || failure instanceof DimgxError || failure instanceof CodingFailure)
      throw failure;
    throw new CodingFailure(`its answer is not valid ${name}, as its header says: ${(failure as Error).message}`);
  }
}

/** Source: RFC 1950, section 2.2. */
function isZlib(first: Buffer): boolean {
  const [method = 0, flags = 0] = first;
  return first.length < 2 || ((method & 0x0f) === 8 && (method * 256 + flags) % 31 === 0);
}
