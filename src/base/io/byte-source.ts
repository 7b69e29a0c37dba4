import { type Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/**
 * Receives a piece. If it returns a promise, it owns the piece, and no more are delivered until the promise resolves.
 * If it returns `undefined`, it is done with the piece. If it throws, the source ends with that error.
 */
export type OnPiece = (piece: Buffer) => Promise<void> | undefined;

/** A sequence of bytes that can be read only once, unlike a file. */
export interface ByteSource {
  /**
   * Passes all bytes to `onPiece`. Call it once.
   *
   * @throws the source's failure, either coded or the system's error; what `onPiece` throws
   */
  forEachPiece(onPiece: OnPiece): Promise<void>;
  /** Ends the source; `forEachPiece` rejects. */
  destroy(): void;
}

/** @param signal ends the source with an AbortError */
export function streamSource(stream: Readable, signal?: AbortSignal): ByteSource {
  return {
    forEachPiece: (onPiece) => pipeline(stream, pieceSink(onPiece), { signal }),
    destroy: () => stream.destroy(),
  };
}

/** A source that starts when `forEachPiece` is called. */
export function lateSource(begin: () => Promise<ByteSource>): ByteSource {
  let begun: ByteSource | undefined;
  const forEachPiece = async (onPiece: OnPiece) => {
    begun = await begin();
    await begun.forEachPiece(onPiece);
  };
  return { forEachPiece, destroy: () => begun?.destroy() };
}

/** Wraps a source and maps its own failures with `explain`. Errors thrown by `onPiece` are left as they are. */
export function mapFailures(source: ByteSource, explain: (cause: unknown) => Error): ByteSource {
  const forEachPiece = async (onPiece: OnPiece) => {
    let mistake: { readonly of: unknown } | undefined;
    const note = (failure: unknown): never => {
      mistake = { of: failure };
      throw failure;
    };
    try {
      await source.forEachPiece((piece) => {
        try {
          return onPiece(piece)?.catch(note);
        } catch (failure) {
          return note(failure);
        }
      });
    } catch (cause) {
      throw mistake ? mistake.of : explain(cause);
    }
  };
  return { forEachPiece, destroy: () => source.destroy() };
}

/**
 * The last stream of a pipeline. Calls `onPiece` for each piece, waiting for its promise before the next. A loop over
 * the previous stream would do the same, but if the loop throws, Node's `pipeline` rejects with the AbortError of the
 * abandoned stream instead of the thrown error. Node would also join buffered pieces, which costs another copy.
 */
export function pieceSink(onPiece: (piece: Buffer) => void | Promise<void>): Writable {
  return new Writable({
    write(piece: Buffer, _encoding, done) {
      try {
        const received = onPiece(piece);
        if (received) received.then(() => done(), done);
        else done();
      } catch (failure) {
        done(failure as Error);
      }
    },
  });
}
