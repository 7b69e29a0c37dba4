/** Checksum algorithms of manifests, as their names have them and Node too, with the length of a digest in bytes. */
const DIGEST_LENGTHS = { md5: 16, sha1: 20, sha224: 28, sha256: 32, sha384: 48, sha512: 64 } as const;

export type BagAlgorithm = keyof typeof DIGEST_LENGTHS;

export function isBagAlgorithm(name: string): name is BagAlgorithm {
  return Object.hasOwn(DIGEST_LENGTHS, name);
}

/** In bytes. */
export function digestLength(algorithm: BagAlgorithm): number {
  return DIGEST_LENGTHS[algorithm];
}

/** Whether two different files with one digest can be made. */
export function isWeak(algorithm: BagAlgorithm): boolean {
  return algorithm === 'md5' || algorithm === 'sha1';
}
