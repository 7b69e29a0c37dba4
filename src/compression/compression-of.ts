import { readRegion } from '../base/io/read-region.js';
import type { Region } from '../base/io/region.js';
import type { CompressionName } from './codec.js';
import { detectCompression, MAGIC_LENGTH } from './detect.js';

/** How the bytes of a layer are compressed, by the first of them. */
export async function compressionOf(blob: Region): Promise<CompressionName> {
  const head = new Uint8Array(Math.min(MAGIC_LENGTH, blob.length));
  await readRegion(blob)(head, 0);
  return detectCompression(head);
}
