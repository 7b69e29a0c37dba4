import { type ByteSource, explained, type Take } from '../base/io/byte-source.js';
import { printable } from '../base/text/printable.js';

/** Of the end of the stream, in bytes: an engine that gives up says why in less. */
const TAIL = 4096;

/**
 * The archive that an engine writes. One that gives up when it has begun cannot take its answer back: it writes a JSON
 * document where the tar should go on, and ends its answer in order. A tar ends in zeros, never so.
 * Source: moby, api/server/router/image, getImagesGet.
 *
 * @param explain the error that the reader gets for the engine's
 */
export function savedArchive(body: ByteSource, explain: (cause: unknown) => Error): ByteSource {
  let tail: Buffer = Buffer.alloc(0);
  const pump = async (take: Take) => {
    await body.pump((piece) => {
      tail = Buffer.concat([tail, piece.subarray(-TAIL)]).subarray(-TAIL);
      return take(piece);
    });
    const said = failureAtEnd(tail);
    if (said !== undefined) throw new Error(printable(said, 600));
  };
  return explained({ pump, destroy: () => body.destroy() }, explain);
}

function failureAtEnd(tail: Buffer): string | undefined {
  const start = tail.lastIndexOf('{"errorDetail":');
  if (start < 0) return undefined;
  try {
    return String(JSON.parse(tail.subarray(start).toString()).errorDetail.message);
  } catch {
    return undefined;
  }
}
