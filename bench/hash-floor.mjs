/**
 * What there is to beat for verified layers that are not compressed: `hash-floor.mjs ARCHIVE START:SIZE…` hashes each of these
 * stretches of the file with SHA-256, spread over all processors, and does nothing else. The largest is given out first, each
 * to the thread that has least. Prints each digest.
 */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { isMainThread, Worker, workerData } from 'node:worker_threads';

if (isMainThread) shareOut();
else hashAll(workerData);

function shareOut() {
  const [file = '', ...words] = process.argv.slice(2);
  const stretches = words.map((word) => {
    const [start = Number.NaN, size = Number.NaN] = word.split(':').map(Number);
    return { start, size };
  });
  const shares = Array.from({ length: Math.min(availableParallelism(), stretches.length) }, () => {
    return { bytes: 0, file, stretches: /** @type {typeof stretches} */ ([]) };
  });
  for (const stretch of stretches.sort((a, b) => b.size - a.size)) {
    const share = shares.reduce((least, other) => (other.bytes < least.bytes ? other : least));
    share.bytes += stretch.size;
    share.stretches.push(stretch);
  }
  for (const share of shares) new Worker(new URL(import.meta.url), { workerData: share });
}

/** @param {{ file: string, stretches: { start: number, size: number }[] }} share */
function hashAll({ file, stretches }) {
  const source = openSync(file, 'r');
  const buffer = Buffer.allocUnsafeSlow(2 ** 20 + 48).subarray(48); // as in `plain-copy.mjs`
  for (const { start, size } of stretches) {
    const hash = createHash('sha256');
    for (let at = 0; at < size; ) {
      const read = readSync(source, buffer, 0, Math.min(buffer.length, size - at), start + at);
      if (read === 0) throw new Error(`${file} ends early`);
      hash.update(buffer.subarray(0, read));
      at += read;
    }
    console.log(`sha256:${hash.digest('hex')}`);
  }
  closeSync(source);
}
