/** Block size of tar, in bytes. A header takes one block; contents are padded to whole blocks. */
export const BLOCK = 512;

/** `size` rounded up to a multiple of the block size. Exact up to 2^53. */
export function padded(size: number): number {
  const rest = size % BLOCK;
  return rest === 0 ? size : size + BLOCK - rest;
}

/** Whether the block at `offset` is all zeros. Two zero blocks end an archive. */
export function isZeroBlock(bytes: Uint8Array, offset: number): boolean {
  for (let i = offset; i < offset + BLOCK; i++) if (bytes[i] !== 0) return false;
  return true;
}
