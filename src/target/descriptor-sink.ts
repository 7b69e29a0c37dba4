import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { throwIfAborted } from '../errors.js';
import { IN_PLACE_FLAGS, refuseTerminal, unwritable } from './destination.js';
import { type Sink, writeAll } from './sink.js';

const READER_POLL = 20;

/** Standard output: an open descriptor, which stays open. */
export function openDescriptorSink(fd: number, name: string, signal?: AbortSignal): Sink {
  return {
    write: (bytes) => writeTo(fd, name, bytes, signal),
    publish: async () => undefined,
    discard: async () => undefined,
  };
}

/**
 * A device, FIFO or descriptor name, written where it stands. A FIFO is opened when it has a reader.
 *
 * @throws DIMGX_TARGET_TERMINAL, DIMGX_TARGET_UNWRITABLE
 */
export async function openInPlaceSink(path: string, signal?: AbortSignal): Promise<Sink> {
  const file = await openWithReader(path, signal);
  try {
    refuseTerminal(file.fd, path);
  } catch (error) {
    await file.close();
    throw error;
  }
  const close = () => file.close().catch(() => undefined);
  return { write: (bytes) => writeTo(file.fd, path, bytes, signal), publish: close, discard: close };
}

/** Asks without blocking until somebody reads, so that waiting can be ended; then opens to block while writing. */
async function openWithReader(path: string, signal?: AbortSignal): Promise<FileHandle> {
  for (;;) {
    throwIfAborted(signal);
    try {
      const probe = await open(path, IN_PLACE_FLAGS | constants.O_NONBLOCK);
      const file = await open(path, IN_PLACE_FLAGS);
      await probe.close();
      return file;
    } catch (error) {
      if (signal?.aborted || (error as NodeJS.ErrnoException).code !== 'ENXIO') throw unwritable(path, error);
      await sleep(READER_POLL);
    }
  }
}

async function writeTo(fd: number, name: string, bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
  try {
    await writeAll(fd, bytes, signal);
  } catch (error) {
    throw signal?.aborted ? error : unwritable(name, error);
  }
}
