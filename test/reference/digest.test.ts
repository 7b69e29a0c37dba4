import { describe, expect, test } from 'vitest';
import { DimgxError } from '#dimgx/errors.js';
import { type Digest, isMismatch, requireDigest } from '#dimgx/reference/digest.js';

const [HEX, OTHER] = ['0a'.repeat(32), '0b'.repeat(32)];
const DIGEST: Digest = `sha256:${HEX}`;

describe('the digest of some bytes', () => {
  test('may be the one they should have', () => {
    requireDigest(DIGEST, HEX, (actual) => actual);
  });

  test('is named in the error if it is another', () => {
    expect(() => requireDigest(DIGEST, OTHER, (actual) => `it is ${actual}`, { layer: 'one' })).toThrow(
      expect.objectContaining({ code: 'DIMGX_IMAGE_DIGEST_MISMATCH', message: `it is sha256:${OTHER}`, layer: 'one' }),
    );
  });

  test('is another if there is no hash', () => {
    expect(() => requireDigest(DIGEST, undefined, (actual) => actual)).toThrow('sha256:undefined');
  });
});

test.each([
  ['another digest', new DimgxError('DIMGX_IMAGE_DIGEST_MISMATCH', ''), true],
  ['another size', new DimgxError('DIMGX_IMAGE_SIZE_MISMATCH', ''), true],
  ['another failure', new DimgxError('DIMGX_IMAGE_DOCUMENT_TOO_LARGE', ''), false],
  ['an error without a code', new Error('DIMGX_IMAGE_SIZE_MISMATCH'), false],
])('%s: a mismatch or not', (_, failure, is) => {
  expect(isMismatch(failure)).toBe(is);
});
