import { createHash } from 'node:crypto';
import { hashRegion, type Region, readRegion } from '../base/io/region.js';
import { DimgxError } from '../errors.js';
import { algorithmOf, type Digest, requireDigest } from '../reference/digest.js';

/** Digest of bytes in memory, such as a document's. */
export function digestOf(bytes: Uint8Array, algorithm = 'sha256'): Digest {
  return `${algorithm as 'sha256'}:${createHash(algorithm).update(bytes).digest('hex')}`;
}

/** Digest of bytes in a file. @throws as `readRegion` */
export async function digestOfRegion(region: Region, algorithm: string): Promise<Digest> {
  const hash = createHash(algorithm);
  await hashRegion(readRegion(region), region.length, [hash]);
  return `${algorithm as 'sha256'}:${hash.digest('hex')}`;
}

/**
 * @param what printable name of what the bytes belong to
 * @throws DIMGX_IMAGE_DIGEST_MISMATCH
 */
export function checkDigest(bytes: Uint8Array, expected: Digest, what: string): void {
  requireDigest(
    expected,
    createHash(algorithmOf(expected)).update(bytes).digest('hex'),
    (actual) =>
      `${what} should have the digest ${expected} and has ${actual}: the image is damaged or was altered, fetch it again`,
  );
}

/** @throws DIMGX_IMAGE_SIZE_MISMATCH */
export function checkSize(length: number, expected: number, what: string): void {
  if (length === expected) return;
  throw new DimgxError(
    'DIMGX_IMAGE_SIZE_MISMATCH',
    `${what} should be ${expected} bytes long and is ${length}: the image is damaged or was altered, fetch it again`,
  );
}

/** @throws DIMGX_IMAGE_LAYER_COUNT */
export function checkLayerCount(inManifest: number, inConfig: number): void {
  if (inManifest === inConfig) return;
  throw new DimgxError(
    'DIMGX_IMAGE_LAYER_COUNT',
    `the manifest has ${inManifest} layers and the config ${inConfig}: the image is damaged, save or copy it again`,
  );
}
