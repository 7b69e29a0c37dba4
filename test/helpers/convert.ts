import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { pieceSink } from '#dimgx/base/io/byte-source.js';

/** Cuts bytes into pieces of equal length. */
export function* inPieces(bytes: Uint8Array, length: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

/** Cuts bytes at the given offsets, which must be in ascending order. */
export function cutAt(bytes: Uint8Array, ...places: readonly number[]): Uint8Array[] {
  return [...places, bytes.length].map((place, i) => bytes.subarray(places[i - 1] ?? 0, place));
}

/** The whole output of a stream for the pieces written to it. */
export async function convert(stream: Duplex, pieces: Iterable<Uint8Array>): Promise<Buffer> {
  const out: Buffer[] = [];
  await pipeline(
    pieces,
    stream,
    pieceSink((piece) => void out.push(piece)),
  );
  return Buffer.concat(out);
}
