import { Transform, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { pieceSink } from '../compression/piece-sink.js';
import { DimgxError, throwIfAborted } from '../errors.js';
import type { TarAssembler } from '../extract/assembler.js';
import { fillingStream } from '../extract/filling-stream.js';
import { openDescriptorSink } from './descriptor-sink.js';
import type { Destination } from './destination.js';
import type { Encoder } from './encoder.js';
import { openFileSink } from './file-sink.js';
import { openInPlaceSink } from './in-place-sink.js';
import type { Sink } from './sink.js';
import { unwritable } from './unwritable.js';

/** Of each of two buffers. Large enough for several reads to be under way at once: a copy takes half the time with 4 MiB. */
const BUFFER = 4 * 1024 * 1024;

export interface WriteOptions {
  readonly signal?: AbortSignal | undefined;
  /** Told of the bytes of the tar, before compression, since the last call; 0 at the end. */
  readonly onBytes: (bytes: number) => void;
}

/**
 * Writes the whole tar to its destination, compressed if it asks for that.
 *
 * @returns bytes written, after compression
 * @throws DIMGX_TARGET_*, DIMGX_ABORTED and what the assembler throws; then nothing new is left behind
 */
export async function writeTarget(destination: Destination, tar: TarAssembler, options: WriteOptions): Promise<number> {
  if (destination.kind === 'stream') return writeStream(destination.stream, destination.encoder, tar, options);
  const sink = await openSink(destination, options.signal);
  try {
    const written = destination.encoder
      ? await compressInto(sink, destination.encoder, tar, options)
      : await copyInto(sink, tar, options);
    await sink.publish();
    return written;
  } catch (error) {
    await sink.discard();
    throwIfAborted(options.signal);
    throw error;
  }
}

function openSink(destination: Exclude<Destination, { kind: 'stream' }>, signal?: AbortSignal): Promise<Sink> | Sink {
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

async function compressInto(sink: Sink, encoder: Encoder, tar: TarAssembler, options: WriteOptions): Promise<number> {
  let total = 0;
  const write = async (piece: Buffer) => {
    await sink.write(piece);
    total += piece.length;
  };
  await pipeline(fillingStream(tar, options), encoder.open(), pieceSink(write));
  return total;
}

async function writeStream(stream: Writable, encoder: Encoder | undefined, tar: TarAssembler, options: WriteOptions) {
  let total = 0;
  const count = new Transform({
    transform(piece: Buffer, _encoding, callback) {
      total += piece.length;
      callback(null, piece);
    },
  });
  const encoders = encoder ? [encoder.open()] : [];
  await pipeline([fillingStream(tar, options), ...encoders, count, stream]).catch((error: unknown) => {
    throwIfAborted(options.signal);
    throw error instanceof DimgxError ? error : unwritable('stream', error);
  });
  return total;
}
