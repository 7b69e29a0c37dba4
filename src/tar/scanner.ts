import { DimgxError } from '../errors.js';
import { decodeEntry, type TarRules } from './decode.js';
import { emptyEntry, type TarEntry } from './entry.js';
import { BLOCK, isZeroBlock } from './header.js';
import { notAnEmptyTar, notATar } from './not-a-tar.js';
import { checkSum } from './read-header.js';
import type { Tail } from './tail.js';

/**
 * Finds the entries of a tar archive without doing I/O: asks for bytes, takes them, and skips contents. The work is
 * proportional to the headers.
 *
 *     while (!scanner.done && scanner.position < length) scanner.feed(read(scanner.position, scanner.need or more));
 *     scanner.finish(length, rest, tail);
 */
export class HeaderScanner {
  readonly #onEntry: (entry: TarEntry) => void;
  readonly #rules: TarRules;
  readonly #entry = emptyEntry();
  #contentEnd = 0;
  #count = 0;
  #hasEntries = false;
  #strayExtensions = 0;
  #position = 0;
  #need = BLOCK;
  #done = false;
  #zeroSeen = false;
  /** End of an extension whose padding has not been read, in bytes from `position`. */
  #bodyEnd = Number.POSITIVE_INFINITY;

  /** @param onEntry called with the same object for every entry; its views are valid only during the call */
  constructor(onEntry: (entry: TarEntry) => void, rules: TarRules = 'layer') {
    this.#onEntry = onEntry;
    this.#rules = rules;
  }

  /** Offset of the next byte wanted, from the start of the archive. May be past the end. */
  get position(): number {
    return this.#position;
  }

  /** Number of bytes needed from `position` to continue. At most a few MiB, and only for a header that long. */
  get need(): number {
    return this.#need;
  }

  /** Number of extension headers so far that described no entry. Those with only comments are not counted. */
  get strayExtensions(): number {
    return this.#strayExtensions;
  }

  /** Whether the end mark has been read; `position` is then after it. */
  get done(): boolean {
    return this.#done;
  }

  /**
   * @param bytes from `position` on; fewer than `need` only at the end of the archive: then call `finish`
   * @throws DIMGX_TAR_NOT_A_TAR, DIMGX_TAR_BAD_HEADER, DIMGX_TAR_BAD_PAX, DIMGX_TAR_BAD_SPARSE, DIMGX_TAR_UNKNOWN_TYPE
   */
  feed(bytes: Uint8Array): void {
    const base = this.#position;
    let at = 0;
    while (!this.#done && at + this.#need <= bytes.length) {
      if (isZeroBlock(bytes, at)) {
        if (at + 2 * BLOCK > bytes.length) {
          this.#need = 2 * BLOCK;
          this.#zeroSeen = true;
          break;
        }
        const isEndMark = isZeroBlock(bytes, at + BLOCK);
        if (!isEndMark && this.#hasEntries) {
          throw new DimgxError('DIMGX_TAR_BAD_HEADER', 'a tar archive has a zero block between its entries');
        }
        // If there was no entry, `finish` rejects data after the zeros.
        at += isEndMark ? 2 * BLOCK : BLOCK;
        this.#done = true;
        break;
      }
      if (this.#count === 0) requireHeader(bytes, at);
      const decoded = decodeEntry(bytes, at, base, this.#entry, this.#rules);
      if (typeof decoded === 'object') {
        this.#need = decoded.need;
        this.#bodyEnd = decoded.bodyEnd ?? Number.POSITIVE_INFINITY;
        break;
      }
      this.#need = BLOCK;
      at = this.#entry.end - base;
      this.#count++;
      if (decoded === 'extensions') {
        if (this.#entry.pax.some(({ key }) => key !== 'comment')) this.#strayExtensions++;
        continue;
      }
      this.#hasEntries = true;
      this.#contentEnd = this.#entry.dataOffset + this.#entry.dataSize;
      this.#onEntry(this.#entry);
    }
    this.#position = base + at;
  }

  /**
   * Call at the end of the archive. The end mark, half of it, or the last padding may be missing.
   *
   * @param length of the archive, in bytes
   * @param rest the whole archive, if it is shorter than a header
   * @param tail what follows the end mark
   * @throws DIMGX_TAR_TRUNCATED if the archive ends inside a header or contents; DIMGX_TAR_NOT_A_TAR if it is shorter
   *   than a header, or if data follows the end mark of an archive without entries, which would otherwise go unnoticed
   */
  finish(length: number, rest: Uint8Array, tail: Tail | undefined): void {
    if (length > 0 && length < BLOCK) throw notATar(rest);
    if (tail?.data && !this.#hasEntries) throw this.#refuseTail(tail.data);
    if (length < this.#contentEnd || !this.#mayEndAt(length)) {
      throw new DimgxError('DIMGX_TAR_TRUNCATED', `a tar archive ends in the middle of an entry, at byte ${length}`);
    }
  }

  #refuseTail({ block, position }: NonNullable<Tail['data']>): DimgxError {
    if (this.#count === 0) return notAnEmptyTar(block, position);
    const message = `a tar archive without entries has data after its end, in the block at byte ${position}`;
    return new DimgxError('DIMGX_TAR_NOT_A_TAR', message);
  }

  #mayEndAt(length: number): boolean {
    const left = length - this.#position;
    if (this.#done || left <= 0) return true;
    if (this.#zeroSeen) return left === BLOCK;
    return this.#entry.end === length || left >= this.#bodyEnd;
  }
}

/** Requires the archive to begin with a block that has a valid header checksum; the header may still be malformed. */
function requireHeader(bytes: Uint8Array, at: number): void {
  try {
    checkSum(bytes, at);
  } catch (error) {
    throw notATar(bytes.subarray(at), error);
  }
}
