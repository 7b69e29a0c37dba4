import { DimgxError } from '../errors.js';

/** Ten million entries below `/lib`, a symlink of their own layer, take less. */
const MAX_FOLLOWED = 64 * 2 ** 20;

/**
 * Bounds the targets of symlinks that are followed in an image, in bytes, all together: each path may lead through forty
 * of 4,095 bytes, and an entry of one block so take as long as a hundred thousand others.
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
