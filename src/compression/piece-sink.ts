import { Writable } from 'node:stream';

/**
 * The end of a pipeline: takes one piece after another. A loop over the last stream would do the same, but when it
 * throws, Node's `pipeline` rejects with the AbortError of the stream it left, not with what was thrown.
 */
export function pieceSink(take: (piece: Buffer) => void | Promise<void>): Writable {
  return new Writable({
    write(piece: Buffer, _encoding, callback) {
      (async () => take(piece))().then(() => callback(), callback);
    },
  });
}
