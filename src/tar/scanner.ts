import { DimgxError } from '../errors.js';
import { BLOCK, isZeroBlock } from './block.js';
import { decodeEntry, emptyEntry } from './decode.js';
import type { TarEntry } from './entry.js';

/** Bytes that are shown of what is no tar: enough for the magic of most formats. */
const SHOWN = 8;

/**
 * Finds the entries of a tar archive without doing I/O: says which bytes it wants next, takes them, and skips
 * contents. Work is proportional to the headers.
 *
 *     while (!scanner.done && scanner.position < length) scanner.feed(read(scanner.position, scanner.need or more));
 *     scanner.finish(length);
 */
export class HeaderScanner {
  readonly #onEntry: (entry: TarEntry) => void;
  readonly #entry = emptyEntry();
  #contentEnd = 0;
  #count = 0;
  #strayExtensions = 0;
  #position = 0;
  #need = BLOCK;
  #done = false;
  #zeroSeen = false;
  /** Of an extension whose padding is not at hand, in bytes from `position`. */
  #bodyEnd = Number.POSITIVE_INFINITY;

  /** @param onEntry gets the same object for every entry, its views valid only during the call */
  constructor(onEntry: (entry: TarEntry) => void) {
    this.#onEntry = onEntry;
  }

  /** Of the next byte wanted, from the start of the archive; may lie behind its end. */
  get position(): number {
    return this.#position;
  }

  /** So many bytes from `position` are needed to go on. At most a few MiB, and only where one header is that long. */
  get need(): number {
    return this.#need;
  }

  /** Of extension headers that described no entry, so far; those that hold nothing but comments do not count. */
  get strayExtensions(): number {
    return this.#strayExtensions;
  }

  /** The end mark has been read; `position` lies behind it. */
  get done(): boolean {
    return this.#done;
  }

  /**
   * @param bytes from `position` on; fewer than `need` only if the archive ends there: then call `finish`
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
        if (!isZeroBlock(bytes, at + BLOCK)) {
          throw new DimgxError('DIMGX_TAR_BAD_HEADER', 'a zero block stands between the entries of a tar archive');
        }
        at += 2 * BLOCK;
        this.#done = true;
        break;
      }
      const decoded = this.#decode(bytes, at, base);
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
      this.#contentEnd = this.#entry.dataOffset + this.#entry.dataSize;
      this.#onEntry(this.#entry);
    }
    this.#position = base + at;
  }

  #decode(bytes: Uint8Array, at: number, base: number) {
    try {
      return decodeEntry(bytes, at, base, this.#entry);
    } catch (error) {
      const isFirst = this.#count === 0;
      if (isFirst && error instanceof DimgxError && error.code === 'DIMGX_TAR_BAD_HEADER') {
        const begin = Buffer.from(bytes.subarray(at, at + SHOWN)).toString('hex');
        const message = `this is not a tar archive, nor compressed in a way that is known: it begins with ${begin}`;
        throw new DimgxError('DIMGX_TAR_NOT_A_TAR', message, { cause: error });
      }
      throw error;
    }
  }

  /**
   * Says that the archive ends. An end mark, or half of one, or the last padding may be missing.
   *
   * @param length of the archive in bytes
   * @throws DIMGX_TAR_TRUNCATED when it ends inside a header or contents; DIMGX_TAR_NOT_A_TAR when it is shorter than a
   *   header
   */
  finish(length: number): void {
    if (length > 0 && length < BLOCK)
      throw new DimgxError('DIMGX_TAR_NOT_A_TAR', 'this is too short for a tar archive');
    if (length < this.#contentEnd || !this.#mayEndAt(length)) {
      throw new DimgxError('DIMGX_TAR_TRUNCATED', `a tar archive ends in the middle of an entry, at byte ${length}`);
    }
  }

  #mayEndAt(length: number): boolean {
    const left = length - this.#position;
    if (this.#done || left <= 0) return true;
    if (this.#zeroSeen) return left === BLOCK;
    return this.#entry.end === length || left >= this.#bodyEnd;
  }
}
