import { untilAborted } from '../base/call/on-abort.js';
import { type Sink, writeAll } from './sink.js';
import { unwritable } from './unwritable.js';

/** Writes to standard output or another open descriptor, which stays open. What has been written cannot be undone. */
export function openDescriptorSink(fd: number, name: string, signal?: AbortSignal): Sink {
  return {
    write: (bytes) => writeDescriptor(fd, name, bytes, signal),
    publish: async () => undefined,
    discard: async () => undefined,
  };
}

/**
 * Writes all bytes. Aborting ends the wait even if the reader at the other end has stopped reading.
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
