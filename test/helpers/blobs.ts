import { createHash, randomBytes } from 'node:crypto';
import { writeSync } from 'node:fs';
import { readRegion } from '#dimgx/base/io/region.js';
import type { CachedBlob, DownloadBlob } from '#dimgx/cache/blob-cache.js';
import type { Digest } from '#dimgx/reference/digest.js';

export interface MadeBlob {
  readonly bytes: Buffer;
  readonly digest: Digest;
  readonly size: number;
}

export function blobOf(bytes: Buffer): MadeBlob {
  return { bytes, digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`, size: bytes.length };
}

export function randomBlob(size: number): MadeBlob {
  return blobOf(randomBytes(size));
}

/** A download that records what it transfers. @param cutAt offset in the blob at which the connection breaks */
export function downloadOf(bytes: Buffer, cutAt = Number.POSITIVE_INFINITY) {
  const transfers: { readonly from: number; readonly bytes: number }[] = [];
  const download: DownloadBlob = async ({ fd, from }) => {
    const piece = bytes.subarray(from, Math.min(bytes.length, cutAt));
    transfers.push({ from, bytes: piece.length });
    for (let at = 0; at < piece.length; ) {
      at += writeSync(fd, piece, at, Math.min(100_000, piece.length - at), from + at);
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (cutAt < bytes.length) throw new Error('the connection broke');
  };
  return { download, transfers };
}

/** The digest of a blob's bytes; `undefined` if there is no blob. Closes the blob. */
export async function readDigest(blob: CachedBlob | undefined): Promise<Digest | undefined> {
  if (!blob) return undefined;
  const bytes = Buffer.alloc(blob.region.length);
  await readRegion(blob.region)(bytes, 0);
  await blob.close();
  return blobOf(bytes).digest;
}
