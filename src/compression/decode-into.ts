import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { pieceSink } from '../base/io/piece-sink.js';
import { freeMemory } from './free-memory.js';

/**
 * Decodes a whole stream.
 *
 * @param stored a piece may be overwritten when the one after the next is asked for
 * @param take gets a piece for as long as what it gives back is pending
 * @throws what any of the three fails with
 */
export async function decodeInto(
  decoder: Duplex,
  stored: AsyncIterable<Uint8Array>,
  take: (piece: Buffer) => void | Promise<void>,
): Promise<void> {
  const fed = feed(decoder, stored).catch((failure: Error) => void decoder.destroy(failure));
  try {
    await pipeline(
      decoder,
      pieceSink(async (piece) => {
        await take(piece);
        freeMemory(piece);
      }),
    );
  } finally {
    await fed;
  }
}

/** The next piece is got while the decoder is at work on the last. */
async function feed(decoder: Duplex, stored: AsyncIterable<Uint8Array>): Promise<void> {
  let writing: Promise<void> = Promise.resolve();
  for await (const piece of stored) {
    await writing;
    writing = written(decoder, piece);
    writing.catch(() => undefined); // told at the next turn
  }
  await writing;
  decoder.end();
}

/** A decoder of Node's that fails in the midst of a write never calls back. */
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
