import { pipeline, type Readable, Transform } from 'node:stream';
import { printable } from '../../image/printable.js';

/** Of the end of the stream, in bytes: an engine that gives up says why in less. */
const TAIL = 4096;

/**
 * The archive that an engine writes. One that gives up when it has begun cannot take its answer back: it writes a JSON
 * document where the tar should go on, and ends its answer in order. A tar ends in zeros, never so.
 * Source: moby, api/server/router/image, getImagesGet.
 *
 * @param explain the error that the reader gets for the engine's
 */
export function savedArchive(body: Readable, explain: (cause: unknown) => Error): Readable {
  let tail: Buffer = Buffer.alloc(0);
  const archive = new Transform({
    highWaterMark: 2 ** 20,
    transform(chunk: Buffer, _encoding, done) {
      tail = (chunk.length < TAIL ? Buffer.concat([tail, chunk]) : chunk).subarray(-TAIL);
      done(null, chunk);
    },
    flush(done) {
      const said = failureAtEnd(tail);
      done(said === undefined ? null : explain(new Error(printable(said, 600))));
    },
  });
  archive.on('error', () => undefined); // who comes to read later finds it still
  return pipeline(body, archive, () => undefined);
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
