import { untilAborted } from '../base/call/on-abort.js';
import type { Sink } from './sink.js';
import type { TargetStream } from './target-stream.js';

/** Writes to a stream of the caller, which keeps the pieces. It is ended on success and destroyed after a failure. */
export function openStreamSink(stream: TargetStream, signal?: AbortSignal): Sink {
  return {
    write: (piece) => untilAborted(stream.write(piece), signal),
    publish: () => untilAborted(stream.end(), signal),
    discard: async (reason) => stream.discard(reason),
  };
}
