import { MAX_DOCUMENT } from '../base/limits.js';
import { DimgxError } from '../errors.js';

/**
 * Total size of the documents that opening one image may read, in bytes. Archives with thousands of images stay below
 * it.
 */
const MAX_ALL_DOCUMENTS = 64 * 2 ** 20;

/** Limits the sizes of the manifests, indexes and configs that opening one image reads: of each, and of all together. */
export class DocumentBudget {
  readonly #least: number;
  #left = MAX_ALL_DOCUMENTS;

  /** @param least smallest size that a document counts for, in bytes: reading one costs time, however short it is */
  constructor(least: number) {
    this.#least = least;
  }

  /**
   * Call this before a document is read.
   *
   * @param name printable
   * @param length in bytes; 0 if it is not known yet
   * @param least as for the constructor, for this document
   * @throws DIMGX_IMAGE_DOCUMENT_TOO_LARGE
   */
  spend(name: string, length: number, least = this.#least): void {
    this.#left -= Math.max(length, least);
    if (length <= MAX_DOCUMENT && this.#left >= 0) return;
    const what = length > MAX_DOCUMENT ? `${name} is ${length} bytes long` : 'the image has too many documents';
    throw new DimgxError('DIMGX_IMAGE_DOCUMENT_TOO_LARGE', `${what}: the image is refused`);
  }

  /** Counts a document that has been read, after `spend` with length 0. */
  spendRest(length: number): void {
    this.#left -= Math.max(0, length - this.#least);
  }
}
