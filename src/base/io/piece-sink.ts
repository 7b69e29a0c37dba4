import { Writable } from 'node:stream';

/**
 * The last stream of a pipeline. Calls `take` for each piece, waiting for its promise before the next. A loop over the
 * previous stream would do the same, but if the loop throws, Node's `pipeline` rejects with the AbortError of the
 * abandoned stream instead of the thrown error. Node would also join buffered pieces, which costs another copy.
 */
export function pieceSink(take: (piece: Buffer) => void | Promise<void>): Writable {
  return new Writable({
    write(piece: Buffer, _encoding, done) {
      try {
        const taken = take(piece);
        if (taken) taken.then(() => done(), done);
        else done();
      } catch (failure) {
        done(failure as Error);
      }
    },
  });
}
