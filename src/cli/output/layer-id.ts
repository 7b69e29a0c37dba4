import type { Layer } from '../../image/image.js';

/**
 * The ID under which a layer is listed, in full: that of the image whose newest layer it is, or under which old archives
 * file it; else the digest of its uncompressed, or of its stored bytes. Hex digits; empty when the source knows none.
 */
export function layerId({ imageId, legacyId, diffId, digest }: Layer): string {
  const id = imageId ?? legacyId ?? diffId ?? digest ?? '';
  return id.slice(id.indexOf(':') + 1);
}
