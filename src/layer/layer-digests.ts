import { DimgxError } from '../errors.js';
import type { Layer } from '../image/image.js';
import { algorithmOf, type Digest, hexOf } from '../reference/digest.js';
import type { LayerDigests } from './layer-index.js';

/** The digests that an uncompressed layer's bytes are checked against. */
export function digestsNamed({ digest, diffId }: Layer): readonly Digest[] {
  return [digest, diffId].filter((named) => named !== undefined);
}

/** The digests of a layer that has passed all its checks. */
export function digestsOf({ digest, diffId }: Layer): LayerDigests {
  return { ...(digest && { digest }), ...(diffId && { diffId }) };
}

/** @throws DIMGX_IMAGE_DIGEST_MISMATCH */
export function compareDigest(layer: Layer, expected: Digest, hex: string | undefined): void {
  if (hex === hexOf(expected)) return;
  const message = `layer ${layer.name} is damaged: its bytes have the digest ${algorithmOf(expected)}:${hex}, not ${expected}`;
  throw new DimgxError('DIMGX_IMAGE_DIGEST_MISMATCH', message, { layer: layer.name });
}
