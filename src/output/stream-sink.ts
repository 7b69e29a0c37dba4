import type { Sink } from './sink.js';
import type { TargetStream } from './target-stream.js';
import { untilAborted } from './until-aborted.js';

/** A stream of the caller. Pieces belong to it for good; it is ended at the end, and destroyed after a failure. */
export function openStreamSink(stream: TargetStream, signal?: AbortSignal): Sink {
  return {
    write: (piece) => untilAborted(stream.write(piece), signal),
    publish: () => untilAborted(stream.end(), signal),
    discard: async (reason) => stream.discard(reason),
  };
}
