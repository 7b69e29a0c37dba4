import type { Readable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { pieceSink } from '../base/io/piece-sink.js';
import { throwIfAborted } from '../errors.js';
import type { TarAssembler } from '../extract/assembler.js';
import { fillingStream } from '../extract/filling-stream.js';
import { openDescriptorSink } from './descriptor-sink.js';
import type { Destination } from './destination.js';
import type { Encoder } from './encoder.js';
import { openFileSink } from './file-sink.js';
import { openInPlaceSink } from './in-place-sink.js';
import type { Sink } from './sink.js';
import { openStreamSink } from './stream-sink.js';
import { untilAborted } from './until-aborted.js';

/** Of each of two buffers. Large enough for several reads to be under way at once: a copy takes half the time with 4 MiB. */
const BUFFER = 4 * 1024 * 1024;

export interface WriteOptions {
  readonly signal?: AbortSignal | undefined;
  /** Told of the bytes of the tar, before compression, since the last call; 0 at the end. */
  readonly onBytes: (bytes: number) => void;
  /** Called when all is written and nothing is published yet. What it throws fails the work. */
  readonly settle?: (() => Promise<void>) | undefined;
}

/**
 * Writes the whole tar to its destination, compressed if it asks for that.
 *
 * @returns bytes written, after compression
 * @throws DIMGX_TARGET_*, DIMGX_ABORTED and what the assembler throws; then nothing new is left behind
 */
export async function writeTarget(destination: Destination, tar: TarAssembler, options: WriteOptions): Promise<number> {
  const sink = await openSink(destination, options.signal);
  try {
    const { encoder } = destination;
    const isCopied = encoder === undefined && destination.kind !== 'stream';
    const written = await (isCopied ? copyInto(sink, tar, options) : streamInto(sink, encoder, tar, options));
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

/** Two buffers: one is filled while the other is written. */
async function copyInto(sink: Sink, tar: TarAssembler, { onBytes }: WriteOptions): Promise<number> {
  let [front, back] = [Buffer.allocUnsafeSlow(BUFFER), Buffer.allocUnsafeSlow(BUFFER)];
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
 * In pieces that belong to the sink, through the encoder if there is one. When the caller cancels, an encoder is left to
 * end by itself: its threads cannot be called back.
 */
async function streamInto(
  sink: Sink,
  encoder: Encoder | undefined,
  tar: TarAssembler,
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

/** Waits for the reads that are under way: their files may be closed afterwards. */
async function closed(source: Readable): Promise<void> {
  source.destroy();
  await finished(source).catch(() => undefined);
}
