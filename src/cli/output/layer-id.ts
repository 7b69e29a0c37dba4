import type { Layer } from '../../image/layer.js';

/**
 * The full ID under which a layer is listed: hex digits, or empty if the source knows none. It is the ID of the image
 * whose newest layer this is, or else the ID under which old archives file the layer, the digest of its uncompressed
 * bytes, or the digest of its stored bytes.
 */
export function layerId({ imageId, legacyId, diffId, digest }: Layer): string {
  const id = imageId ?? legacyId ?? diffId ?? digest ?? '';
  return id.slice(id.indexOf(':') + 1);
}
