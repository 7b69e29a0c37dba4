import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

const PIECE = 1024 * 1024;
/** Delay between checks for newly written bytes, in milliseconds. */
const PERIOD = 20;

/**
 * Hashes a file while it is being appended to. It reads the bytes back from the file, so the hash covers what is
 * actually stored.
 *
 * @param written settles when nothing more will be written; if it rejects, the rest of the file is not read
 * @param start offset of the first byte to hash
 * @returns the hash, in hex digits, and the number of bytes hashed
 */
export async function hashGrowing(
  file: FileHandle,
  algorithm: string,
  written: Promise<unknown>,
  start = 0,
): Promise<{ readonly hex: string; readonly length: number }> {
  let state: 'growing' | 'written' | 'failed' = 'growing';
  const become = (next: 'written' | 'failed') => () => {
    state = next;
  };
  const settled = written.then(become('written'), become('failed'));
  const hash = createHash(algorithm);
  const buffer = Buffer.allocUnsafe(PIECE);
  let length = 0;
  for (;;) {
    const before = state as 'growing' | 'written' | 'failed';
    if (before === 'failed') break;
    const { bytesRead } = await file.read(buffer, 0, PIECE, start + length);
    hash.update(buffer.subarray(0, bytesRead));
    length += bytesRead;
    if (bytesRead > 0) continue;
    if (before === 'written') break;
    const timer = new AbortController();
    await Promise.race([settled, sleep(PERIOD, undefined, { signal: timer.signal }).catch(() => undefined)]);
    timer.abort();
  }
  return { hex: hash.digest('hex'), length };
}
