/** Tar is made of blocks of 512 bytes: headers are one, contents are padded to the next. */
export const BLOCK = 512;

/** The least multiple of a block that holds `size` bytes. Exact up to 2^53. */
export function padded(size: number): number {
  const rest = size % BLOCK;
  return rest === 0 ? size : size + BLOCK - rest;
}

/** Whether a block is all zero: two of them end an archive. */
export function isZeroBlock(bytes: Uint8Array, offset: number): boolean {
  for (let i = offset; i < offset + BLOCK; i++) if (bytes[i] !== 0) return false;
  return true;
}
