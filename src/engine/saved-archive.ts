import { type ByteSource, explained, type Take } from '../base/io/byte-source.js';
import { printable } from '../base/text/printable.js';

/** How much of the end of the stream is kept, in bytes. An engine's error document is shorter. */
const TAIL = 4096;

/**
 * The archive that an engine writes. An engine that fails midway cannot take back its status. It writes a JSON document
 * where the tar should continue, and ends its answer normally. A complete tar ends in zeros, so it cannot be mistaken
 * for one that failed.
 * Source: moby, api/server/router/image, getImagesGet.
 *
 * @param explain converts the engine's error to the one that the reader gets
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
