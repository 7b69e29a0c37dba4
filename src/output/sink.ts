import { write } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { untilAborted } from '../base/call/on-abort.js';
import { throwIfAborted } from '../errors.js';
import type { TargetStream } from './target-stream.js';

const writeAsync = promisify(write);
const LONGEST_WAIT = 16;

/** Takes the bytes of the output, in order. At the end, either `publish` or `discard` is called once. */
export interface Sink {
  /** The sink owns the bytes until this resolves. */
  write(bytes: Uint8Array): Promise<void>;
  /** Called once everything has been written successfully. */
  publish(): Promise<void>;
  /** Called after a failure: nothing may be left behind. */
  discard(reason?: unknown): Promise<void>;
}

/**
 * Writes all bytes to a descriptor at its current position. If a non-blocking descriptor is full, retries after a short
 * wait.
 *
 * @throws the operating system's error, or DIMGX_ABORTED
 */
export async function writeAll(fd: number, bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
  let wait = 1;
  for (let done = 0; done < bytes.length; ) {
    throwIfAborted(signal);
    try {
      const { bytesWritten } = await writeAsync(fd, bytes, done, bytes.length - done, null);
      done += bytesWritten;
      wait = 1;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      await sleep(wait);
      wait = Math.min(LONGEST_WAIT, wait * 2);
    }
  }
}

/** Writes to a stream of the caller, which keeps the pieces. It is ended on success and destroyed after a failure. */
export function openStreamSink(stream: TargetStream, signal?: AbortSignal): Sink {
  return {
    write: (piece) => untilAborted(stream.write(piece), signal),
    publish: () => untilAborted(stream.end(), signal),
    discard: async (reason) => stream.discard(reason),
  };
}
