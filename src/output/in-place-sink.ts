import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { untilAborted } from '../base/call/on-abort.js';
import { unwritable } from '../base/io/unwritable.js';
import { pathData } from '../base/text/printable.js';
import { throwIfAborted } from '../errors.js';
import type { Destination } from './destination.js';
import { type Sink, writeAll } from './sink.js';

/** Interval between checks for a reader, in milliseconds. */
const READER_POLL = 20;

type InPlace = Extract<Destination, { kind: 'inPlace' }>;

/**
 * Opens a device or a FIFO to be written in place. A FIFO is opened once it has a reader.
 *
 * @throws DIMGX_TARGET_UNWRITABLE, DIMGX_ABORTED
 */
export async function openInPlaceSink(place: InPlace, signal?: AbortSignal): Promise<Sink> {
  const file = await openPlace(place, signal).catch((error: unknown) => {
    throw signal?.aborted ? error : unwritable(place.path, error, pathData(place.path));
  });
  const close = () => file.close().catch(() => undefined);
  const write = (bytes: Uint8Array) => writeDescriptor(file.fd, place.path, bytes, signal);
  return { keepsBytes: false, write, end: close, discard: close };
}

/**
 * Polls a FIFO without blocking until it has a reader, so that the wait can be aborted. Then opens it in blocking mode
 * for writing.
 */
async function openPlace(place: InPlace, signal: AbortSignal | undefined): Promise<FileHandle> {
  const probe = place.isFifo ? await openWithReader(place, signal) : undefined;
  const opening = open(place.path, place.flags);
  try {
    return await untilAborted(opening, signal);
  } catch (error) {
    opening.then((file) => file.close()).catch(() => undefined);
    throw error;
  } finally {
    await probe?.close();
  }
}

async function openWithReader({ path, flags }: InPlace, signal: AbortSignal | undefined): Promise<FileHandle> {
  for (;;) {
    throwIfAborted(signal);
    try {
      return await open(path, flags | constants.O_NONBLOCK);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENXIO') throw error;
      await sleep(READER_POLL);
    }
  }
}

/** Writes to standard output or another open descriptor, which stays open. What has been written cannot be undone. */
export function openDescriptorSink(fd: number, name: string, signal?: AbortSignal): Sink {
  return {
    keepsBytes: false,
    write: (bytes) => writeDescriptor(fd, name, bytes, signal),
    end: async () => undefined,
    discard: async () => undefined,
  };
}

/**
 * Writes all bytes. Aborting ends the wait even if the reader at the other end has stopped reading.
 *
 * @throws DIMGX_TARGET_*, DIMGX_ABORTED
 */
async function writeDescriptor(
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
