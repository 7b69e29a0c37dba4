import { createHash } from 'node:crypto';

/**
 * Collects a tree, entry by entry in any order, and says whether two are the same.
 */
export class Listing {
  /** @type {string[]} */
  #lines = [];

  /** @param {{ path: string, type: string, size: number, target: string }} entry @param {string} hash of a file's bytes */
  add({ path, type, size, target }, hash) {
    this.#lines.push(`${path} ${type} ${size} ${target} ${hash}`);
  }

  /** @returns {{ entries: number, digest: string }} */
  end() {
    const digest = createHash('sha256');
    for (const line of this.#lines.sort()) digest.update(`${line}\n`);
    return { entries: this.#lines.length, digest: digest.digest('hex') };
  }
}

/** @param {Uint8Array} bytes */
export function hashOf(bytes) {
  return createHash('sha1').update(bytes).digest('hex');
}
