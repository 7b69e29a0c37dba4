import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { pieceSink } from './piece-sink.js';

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
