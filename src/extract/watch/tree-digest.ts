import { createHash } from 'node:crypto';
import type { Digest } from '../../reference/digest.js';
import type { TarEntry } from '../../tar/entry.js';
import { TYPE } from '../../tar/header.js';
import type { EntryWatcher } from './hashed-entries.js';
import { IMPLIED_ROOT, isRoot, TREE_HEADING, treeLine } from './tree-text.js';

/** Length of the text that is collected before it is hashed, in characters. */
const TEXT = 16 * 1024;

/**
 * Computes the tree digest of an output tar while its entries pass by. It relies on what the output promises: the order
 * of names is canonical, the first name of an inode has its contents, and the PAX records are those that belong to the
 * tree. Memory does not grow with the number of entries.
 */
export class TreeDigest implements EntryWatcher {
  readonly needsHashes = true;
  readonly #onDigest: (digest: Digest) => void;
  readonly #text = createHash('sha256');
  /** Lines that are not hashed yet. */
  #lines = `${TREE_HEADING}\n`;
  #hasRoot = false;

  /** @param onDigest called once, at the end */
  constructor(onDigest: (digest: Digest) => void) {
    this.#onDigest = onDigest;
  }

  entry(entry: TarEntry, sha256: string | undefined): void {
    if (!this.#hasRoot && !isRoot(entry)) this.#write(IMPLIED_ROOT);
    this.#hasRoot = true;
    const line = treeLine(entry);
    this.#write(entry.type === TYPE.file ? `${line} ${sha256}` : line);
  }

  end(): void {
    if (!this.#hasRoot) this.#write(IMPLIED_ROOT);
    this.#onDigest(`sha256:${this.#text.update(this.#lines, 'latin1').digest('hex')}`);
  }

  #write(line: string): void {
    this.#lines += `${line}\n`;
    if (this.#lines.length < TEXT) return;
    this.#text.update(this.#lines, 'latin1');
    this.#lines = '';
  }
}
