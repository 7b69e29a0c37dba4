import { algorithmOf, type Digest, hexOf } from '../../reference/digest.js';

/** Source: OCI image-spec, image-layout.md. */
export const INDEX = 'index.json';
export const MARKER = 'oci-layout';

export function blobPath(digest: Digest): string {
  return `blobs/${algorithmOf(digest)}/${hexOf(digest)}`;
}
