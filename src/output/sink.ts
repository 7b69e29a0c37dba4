import { write } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { untilAborted } from '../base/call/on-abort.js';
import { throwIfAborted } from '../errors.js';
import type { TargetStream } from './target-stream.js';

const writeAsync = promisify(write);
const LONGEST_WAIT = 16;

/**
 * Takes the bytes of one output, in order. At the end `end` is called once; `discard` is called instead, or after it, if
 * this output or another of the run fails.
 */
export interface Sink {
  /** Whether it keeps the bytes even when `write` has resolved. If not, the same buffer can be used again. */
  readonly keepsBytes: boolean;
  /** The sink owns the bytes until this resolves. */
  write(bytes: Uint8Array): Promise<void>;
  /** Called once everything has been written successfully. What is not a file is then published, too. */
  end(): Promise<void>;
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
    keepsBytes: true,
    write: (piece) => untilAborted(stream.write(piece), signal),
    end: () => untilAborted(stream.end(), signal),
    discard: async (reason) => stream.discard(reason),
  };
}
