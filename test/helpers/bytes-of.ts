import type { ByteSource } from '#dimgx/base/io/byte-source.js';

/** Reads a whole source. */
export async function bytesOf(source: ByteSource): Promise<Buffer> {
  const pieces: Buffer[] = [];
  await source.forEachPiece((piece) => {
    pieces.push(Buffer.from(piece));
    return undefined;
  });
  return Buffer.concat(pieces);
}
