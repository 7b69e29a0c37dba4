import { Writable } from 'node:stream';

/**
 * The end of a pipeline: takes one piece after another, the next when what it gave for the last has resolved. A loop over
 * the last stream would do the same, but when it throws, Node's `pipeline` rejects with the AbortError of the stream it
 * left, not with what was thrown; and it joins what has gathered, which is a copy more.
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
