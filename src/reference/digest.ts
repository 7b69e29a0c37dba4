import { quoted } from '../base/text/printable.js';
import { DimgxError, type ErrorDetails } from '../errors.js';

/** `algorithm:hex`, validated. Source: OCI image-spec, descriptor.md, Digests. */
export type Digest = `${'sha256' | 'sha384' | 'sha512'}:${string}`;

const HEX_LENGTHS: Readonly<Record<string, number>> = { sha256: 64, sha384: 96, sha512: 128 };

export function isDigest(text: string): text is Digest {
  const [algorithm = '', hex = ''] = text.split(':', 2);
  return (
    /^[0-9a-f]+$/.test(hex) &&
    hex.length === HEX_LENGTHS[algorithm] &&
    text.length === algorithm.length + 1 + hex.length
  );
}

/**
 * @param what printable name of what the digest belongs to, for the message
 * @throws DIMGX_IMAGE_BAD_DIGEST
 */
export function parseDigest(text: string, what: string): Digest {
  if (isDigest(text)) return text;
  throw new DimgxError('DIMGX_IMAGE_BAD_DIGEST', `the digest of ${what} is malformed: ${quoted(text)}`);
}

export function algorithmOf(digest: Digest): string {
  return digest.slice(0, digest.indexOf(':'));
}

export function hexOf(digest: Digest): string {
  return digest.slice(digest.indexOf(':') + 1);
}

/**
 * Compares the digest that some bytes have with the one they should have.
 *
 * @param hex hash of the bytes, by the algorithm of `expected`
 * @param messageOf makes the message of the error from the digest that the bytes have
 * @throws DIMGX_IMAGE_DIGEST_MISMATCH
 */
export function requireDigest(
  expected: Digest,
  hex: string | undefined,
  messageOf: (actual: string) => string,
  details?: ErrorDetails,
): void {
  const actual = `${algorithmOf(expected)}:${hex}`;
  if (actual !== expected) throw new DimgxError('DIMGX_IMAGE_DIGEST_MISMATCH', messageOf(actual), details);
}

/** Whether bytes have another digest or another size than they should, whatever they belong to. */
export function isMismatch(failure: unknown): boolean {
  const code = failure instanceof DimgxError ? failure.code : undefined;
  return code === 'DIMGX_IMAGE_DIGEST_MISMATCH' || code === 'DIMGX_IMAGE_SIZE_MISMATCH';
}
