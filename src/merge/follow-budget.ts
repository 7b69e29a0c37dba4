import { DimgxError } from '../errors.js';

/** In bytes. Enough for ten million entries below `/lib`, where that is a symlink of their own layer. */
const MAX_FOLLOWED = 64 * 2 ** 20;

/**
 * Limits the total length of the symlink targets that are followed in an image, in bytes. Without it, each path could
 * lead through forty targets of 4,095 bytes, and an entry of one block could take as long as a hundred thousand others.
 */
export class FollowBudget {
  #left = MAX_FOLLOWED;

  /** @throws DIMGX_MERGE_BAD_PARENT */
  spend(target: Uint8Array): void {
    this.#left -= target.length;
    if (this.#left >= 0) return;
    const message = `the entries of the image lie behind so many symlinks that their targets are over ${MAX_FOLLOWED} bytes`;
    throw new DimgxError('DIMGX_MERGE_BAD_PARENT', message);
  }
}
