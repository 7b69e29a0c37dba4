import type { Hash } from 'node:crypto';
import type { ReadAt } from './read-at.js';

const PIECE = 1024 * 1024;

/**
 * Feeds the first `length` bytes to all hashes in one pass.
 *
 * @param onBytes called with the number of bytes hashed since the last call
 * @throws as `read`
 */
export async function hashRegion(
  read: ReadAt,
  length: number,
  hashes: readonly Hash[],
  onBytes: (bytes: number) => void = () => {},
): Promise<void> {
  const buffer = Buffer.allocUnsafe(Math.min(PIECE, length));
  for (let position = 0; position < length; ) {
    const bytes = buffer.subarray(0, length - position);
    await read(bytes, position);
    for (const hash of hashes) hash.update(bytes);
    position += bytes.length;
    onBytes(bytes.length);
  }
}
