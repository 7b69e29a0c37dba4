import { type Sink, writeAll } from './sink.js';
import { untilAborted } from './until-aborted.js';
import { unwritable } from './unwritable.js';

/** Standard output, or another open descriptor, which stays open. Nothing of what was written can be taken back. */
export function openDescriptorSink(fd: number, name: string, signal?: AbortSignal): Sink {
  return {
    write: (bytes) => writeDescriptor(fd, name, bytes, signal),
    publish: async () => undefined,
    discard: async () => undefined,
  };
}

/**
 * Writes all bytes, unless the caller cancels: whoever reads the other end may have stopped to.
 *
 * @throws DIMGX_TARGET_*, DIMGX_ABORTED
 */
export async function writeDescriptor(
  fd: number,
  name: string,
  bytes: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    await untilAborted(writeAll(fd, bytes, signal), signal);
  } catch (error) {
    throw signal?.aborted ? error : unwritable(name, error);
  }
}
