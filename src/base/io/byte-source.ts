import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { pieceSink } from './piece-sink.js';

/**
 * Gets a piece. Nothing more comes until what it gives back resolves, and until then the piece is its own; `undefined` when
 * it needs neither. What it throws ends the source.
 */
export type Take = (piece: Buffer) => Promise<void> | undefined;

/** Bytes that come once, one after the other: what is not a file. */
export interface ByteSource {
  /**
   * Hands on all that comes; to be called once.
   *
   * @throws what fails: coded, or what the system says; what the taker throws
   */
  pump(take: Take): Promise<void>;
  /** Ends it. Whoever waits for `pump` is told. */
  destroy(): void;
}

/** @param signal ends it with an AbortError */
export function streamSource(stream: Readable, signal?: AbortSignal): ByteSource {
  return {
    pump: (take) => pipeline(stream, pieceSink(take), { signal }),
    destroy: () => stream.destroy(),
  };
}

/** A source that is begun when it is pumped. */
export function lateSource(begin: () => Promise<ByteSource>): ByteSource {
  let begun: ByteSource | undefined;
  const pump = async (take: Take) => {
    begun = await begin();
    await begun.pump(take);
  };
  return { pump, destroy: () => begun?.destroy() };
}

/** A source whose own failures are told by `explain`; what its taker throws is left as it is. */
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
