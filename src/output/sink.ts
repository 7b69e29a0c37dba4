import { write } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { throwIfAborted } from '../errors.js';

const writeAsync = promisify(write);
const LONGEST_WAIT = 16;

/** Takes the bytes of the output, in order. Either `publish` or `discard` is called at the end, once. */
export interface Sink {
  /** The bytes belong to the sink until this resolves. */
  write(bytes: Uint8Array): Promise<void>;
  /** All is written and good. */
  publish(): Promise<void>;
  /** Something failed: nothing is to be left behind. */
  discard(reason?: unknown): Promise<void>;
}

/**
 * Writes all bytes to a descriptor at its own position. A descriptor that does not block is asked again when it is
 * full, after a short wait.
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
