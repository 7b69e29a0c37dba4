import type { Readable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { untilAborted } from '../base/call/on-abort.js';
import { pieceSink } from '../base/io/byte-source.js';
import { readBuffer } from '../base/io/region.js';
import { throwIfAborted } from '../errors.js';
import type { TarFiller } from '../extract/assembler.js';
import { fillingStream } from '../extract/filling-stream.js';
import type { Destination } from './destination.js';
import type { Encoder } from './encoder.js';
import { openFileSink } from './file-sink.js';
import { openDescriptorSink, openInPlaceSink } from './in-place-sink.js';
import { openStreamSink, type Sink } from './sink.js';

/**
 * Size of each of two buffers, in bytes. Large enough for several reads at once: a copy takes half the time with 4 MiB.
 */
const BUFFER = 4 * 1024 * 1024;

export interface WriteOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called with the bytes of the tar, before compression, since the last call; with 0 at the end. */
  readonly onBytes: (bytes: number) => void;
  /** Called once everything is written, before anything is published. If it throws, the whole call fails. */
  readonly settle?: (() => Promise<void>) | undefined;
}

/**
 * Writes the whole tar to its destination, compressed if the destination has an encoder.
 *
 * @returns bytes written, after compression
 * @throws DIMGX_TARGET_*, DIMGX_ABORTED and what the assembler throws; nothing new is left behind then
 */
export async function writeTarget(destination: Destination, tar: TarFiller, options: WriteOptions): Promise<number> {
  const sink = await openSink(destination, options.signal);
  try {
    const { encoder } = destination;
    const isCopied = encoder === undefined && destination.kind !== 'stream';
    const copy = () => (isCopied ? copyInto(sink, tar, options) : streamInto(sink, encoder, tar, options));
    const written = await copy().finally(() => tar.close());
    await options.settle?.();
    await sink.publish();
    return written;
  } catch (error) {
    await sink.discard(error);
    throwIfAborted(options.signal);
    throw error;
  }
}

function openSink(destination: Destination, signal: AbortSignal | undefined): Promise<Sink> | Sink {
  if (destination.kind === 'stream') return openStreamSink(destination.stream, signal);
  if (destination.kind === 'descriptor') return openDescriptorSink(destination.fd, destination.name, signal);
  if (destination.kind === 'inPlace') return openInPlaceSink(destination, signal);
  return openFileSink(destination.path, destination.overwrite, signal);
}

/** Uses two buffers: one is filled while the other is written. */
async function copyInto(sink: Sink, tar: TarFiller, { onBytes }: WriteOptions): Promise<number> {
  let [front, back] = [readBuffer(BUFFER), readBuffer(BUFFER)];
  let total = 0;
  for (let filled = await tar.fill(front); filled > 0; ) {
    const [written, next] = await Promise.allSettled([sink.write(front.subarray(0, filled)), tar.fill(back)]);
    if (written.status === 'rejected') throw written.reason;
    if (next.status === 'rejected') throw next.reason;
    total += filled;
    onBytes(filled);
    filled = next.value;
    [front, back] = [back, front];
  }
  onBytes(0);
  return total;
}

/**
 * Streams pieces that the sink may keep, through the encoder if there is one. When the caller aborts, the encoder is
 * left to finish on its own, because its threads cannot be cancelled.
 */
async function streamInto(
  sink: Sink,
  encoder: Encoder | undefined,
  tar: TarFiller,
  options: WriteOptions,
): Promise<number> {
  let total = 0;
  let hasEnded = false;
  const write = async (piece: Buffer) => {
    if (hasEnded) return;
    await sink.write(piece);
    total += piece.length;
  };
  const { signal } = options;
  const source = fillingStream(tar, options);
  const streams = [source, ...(encoder ? [encoder.open()] : []), pieceSink(write)];
  try {
    await untilAborted(pipeline(streams, { signal }), signal);
  } finally {
    hasEnded = true;
    await closed(source);
  }
  return total;
}

/** Waits for pending reads, because their files may be closed afterwards. */
async function closed(source: Readable): Promise<void> {
  source.destroy();
  await finished(source).catch(() => undefined);
}
