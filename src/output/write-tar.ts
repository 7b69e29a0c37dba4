import type { Readable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { untilAborted } from '../base/call/on-abort.js';
import { pieceSink } from '../base/io/byte-source.js';
import { readBuffer } from '../base/io/region.js';
import type { TarFiller } from '../extract/assembler.js';
import { type FillingOptions, fillingStream } from '../extract/filling-stream.js';
import type { Encoder } from './encoder.js';
import type { Sink } from './sink.js';

/**
 * Size of each of two buffers, in bytes. Large enough for several reads at once: a copy takes half the time with 4 MiB.
 */
const BUFFER = 4 * 1024 * 1024;

/**
 * Writes a whole tar into a sink, compressed if there is an encoder. Closes the tar, and leaves the sink open.
 *
 * @returns bytes written, after compression
 * @throws DIMGX_TARGET_*, DIMGX_ABORTED and what the assembler throws
 */
export async function writeTar(
  sink: Sink,
  encoder: Encoder | undefined,
  tar: TarFiller,
  options: FillingOptions,
): Promise<number> {
  try {
    const isCopied = encoder === undefined && !sink.keepsBytes;
    return await (isCopied ? copyInto(sink, tar, options) : streamInto(sink, encoder, tar, options));
  } finally {
    await tar.close();
  }
}

/** Uses two buffers: one is filled while the other is written. */
async function copyInto(sink: Sink, tar: TarFiller, { onBytes }: FillingOptions): Promise<number> {
  let [front, back] = [readBuffer(BUFFER), readBuffer(BUFFER)];
  let total = 0;
  for (let filled = await tar.fill(front, true); filled > 0; ) {
    const [written, next] = await Promise.allSettled([sink.write(front.subarray(0, filled)), tar.fill(back, true)]);
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
  options: FillingOptions,
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
