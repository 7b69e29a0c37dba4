import { type Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/**
 * Receives a piece. If it returns a promise, it owns the piece, and no more are delivered until the promise resolves.
 * If it returns `undefined`, it is done with the piece. If it throws, the source ends with that error.
 */
export type Take = (piece: Buffer) => Promise<void> | undefined;

/** A sequence of bytes that can be read only once, unlike a file. */
export interface ByteSource {
  /**
   * Passes all bytes to `take`. Call it once.
   *
   * @throws the source's failure, either coded or the system's error; what `take` throws
   */
  pump(take: Take): Promise<void>;
  /** Ends the source; `pump` rejects. */
  destroy(): void;
}

/** @param signal ends the source with an AbortError */
export function streamSource(stream: Readable, signal?: AbortSignal): ByteSource {
  return {
    pump: (take) => pipeline(stream, pieceSink(take), { signal }),
    destroy: () => stream.destroy(),
  };
}

/** A source that starts when it is pumped. */
export function lateSource(begin: () => Promise<ByteSource>): ByteSource {
  let begun: ByteSource | undefined;
  const pump = async (take: Take) => {
    begun = await begin();
    await begun.pump(take);
  };
  return { pump, destroy: () => begun?.destroy() };
}

/** Wraps a source and maps its own failures with `explain`. Errors thrown by `take` are left as they are. */
export function explained(source: ByteSource, explain: (cause: unknown) => Error): ByteSource {
  const pump = async (take: Take) => {
    let mistake: { readonly of: unknown } | undefined;
    const note = (failure: unknown): never => {
      mistake = { of: failure };
      throw failure;
    };
    try {
      await source.pump((piece) => {
        try {
          return take(piece)?.catch(note);
        } catch (failure) {
          return note(failure);
        }
      });
    } catch (cause) {
      throw mistake ? mistake.of : explain(cause);
    }
  };
  return { pump, destroy: () => source.destroy() };
}

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
