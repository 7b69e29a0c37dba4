import { readRegion } from '../base/io/read-region.js';
import type { Region } from '../base/io/region.js';
import type { CompressionName } from './codec.js';
import { detectCompression, MAGIC_LENGTH } from './detect.js';

/** Detects the compression of a layer from its first bytes. */
export async function compressionOf(blob: Region): Promise<CompressionName> {
  const head = new Uint8Array(Math.min(MAGIC_LENGTH, blob.length));
  await readRegion(blob)(head, 0);
  return detectCompression(head);
}
