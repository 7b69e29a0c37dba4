import { on } from 'node:events';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { MessageChannel } from 'node:worker_threads';
import { handledLater } from '../base/call/deferred.js';
import { pieceSink } from '../base/io/byte-source.js';
import { reasonOf } from '../base/text/printable.js';
import { DimgxError } from '../errors.js';
import type { CompressionName } from './codecs.js';

/**
 * Decodes a whole stream.
 *
 * @param decoder `undefined` if the stream is not compressed
 * @param stored yields pieces; a piece may be overwritten once the next but one is requested
 * @param take receives a piece, which belongs to it from then on if there is a decoder. No more pieces come while its
 *   promise is pending
 * @throws the error of whichever of the three fails
 */
export async function decodeInto(
  decoder: Duplex | undefined,
  stored: AsyncIterable<Uint8Array>,
  take: (piece: Buffer) => void | Promise<void>,
): Promise<void> {
  if (!decoder) {
    for await (const { buffer, byteOffset, byteLength } of stored)
      await take(Buffer.from(buffer, byteOffset, byteLength));
    return;
  }
  const fed = feed(decoder, stored).catch((failure: Error) => void decoder.destroy(failure));
  try {
    await pipeline(decoder, pieceSink(take));
  } finally {
    await fed;
  }
}

/** What is wrong with a compressed layer whose decoder failed. Coded errors are left as they are. */
export function decodingFailure(compression: CompressionName, error: unknown): DimgxError {
  if (error instanceof DimgxError) return error;
  const message = `its ${compression} data is damaged: ${reasonOf(error)}`;
  return new DimgxError('DIMGX_COMPRESSION_CORRUPT', message, { cause: error });
}

/** Writes a stream into a decoder. Reads the next piece while the decoder works on the previous one. */
export async function feed(decoder: Duplex, stored: AsyncIterable<Uint8Array>): Promise<void> {
  let writing: Promise<void> = Promise.resolve();
  for await (const piece of stored) {
    await writing;
    writing = handledLater(written(decoder, piece));
  }
  await writing;
  decoder.end();
}

/** Also rejects when the decoder closes: one of Node's that fails during a write never calls back. */
function written(decoder: Duplex, piece: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const closed = () => reject(new Error('the decoder was closed'));
    decoder.once('close', closed);
    decoder.write(piece, (failure) => {
      decoder.off('close', closed);
      if (failure) reject(failure);
      else resolve();
    });
  });
}

/** Yields the pieces of a stream as they are. A loop over the stream itself would join those that wait, in a copy. */
export async function* unjoined(stream: Duplex): AsyncGenerator<Buffer, void, void> {
  if (stream.destroyed) throw stream.errored;
  for await (const [piece] of on(stream, 'data', { close: ['end', 'close'], highWaterMark: 1 })) yield piece as Buffer;
}

/** A channel without a listener: buffers transferred into it are freed. */
const { port1: nowhere, port2: listener } = new MessageChannel();
listener.close();
nowhere.unref();

/**
 * Frees the memory of a piece that is no longer needed at once, if the piece is the last in its buffer. The garbage
 * collector does not see how much memory such small objects hold: measured, it lets 20 to 40 MB pile up in each thread
 * that inflates.
 */
export function freeMemory({ buffer, byteOffset, byteLength }: Buffer): void {
  const isShared = buffer.byteLength <= Buffer.poolSize || byteOffset + byteLength < buffer.byteLength;
  if (!isShared) nowhere.postMessage(undefined, [buffer as ArrayBuffer]);
}
