import { DimgxError } from '../errors.js';
import { decodeEntry } from './decode.js';
import { emptyEntry, QUIRK, type TarEntry } from './entry.js';
import { BLOCK, isZeroBlock, padded, TYPE } from './header.js';
import { type SparseStretches, sparseStretches } from './sparse-layout.js';

/** Where the stored bytes of a sparse file belong. */
export interface PassingSparse extends Pick<SparseStretches, 'map' | 'realSize'> {
  /** Number of bytes at the beginning of the stored contents that hold the map. */
  readonly skip: number;
}

/** Visits the entries of a tar while its bytes pass by. For each entry: `begin`, `contents` as often as needed, `end`. */
export interface TarVisitor {
  /**
   * @param entry valid until `end` returns
   * @param sparse only for a sparse file
   * @param bytes what the entry's offsets count in: they hold its headers; valid as long
   */
  begin(entry: TarEntry, sparse: PassingSparse | undefined, bytes: Uint8Array): Promise<void> | undefined;
  /** Gets the stored contents in order. The bytes are valid until it returns, or its promise resolves. */
  contents(bytes: Uint8Array): Promise<void> | undefined;
  end(): Promise<void> | undefined;
}

const SPARSE = QUIRK.oldSparse | QUIRK.paxSparse;

const NOTHING = new Uint8Array(0);

/**
 * Reads a tar of the output as its bytes pass by, in pieces of any length. Memory does not grow with the number or the
 * size of entries.
 */
export class PassingTar {
  readonly #visitor: TarVisitor;
  #entry = emptyEntry();
  #ended = false;
  #hasTail = false;
  /** The beginning of a header that the bytes so far do not complete. */
  #carry: Uint8Array = NOTHING;
  /** How many bytes the header needs, at least. */
  #need = BLOCK;
  #sparse: PassingSparse | undefined;
  /** Whether an entry has begun that has not ended. */
  #isOpen = false;
  /** Bytes of contents and of padding still to come. */
  #contentsLeft = 0;
  #paddingLeft = 0;

  constructor(visitor: TarVisitor) {
    this.#visitor = visitor;
  }

  /** Whether the end mark has been pushed. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Whether anything but zeros has been pushed after the end mark. */
  get hasTail(): boolean {
    return this.#hasTail;
  }

  /**
   * Takes the next bytes of the tar. They belong to the caller again once this resolves.
   *
   * @throws what the visitor throws; DIMGX_TAR_* if the bytes are no tar, or one that the output never is
   */
  async push(bytes: Uint8Array): Promise<void> {
    let at = this.#isOpen ? await this.#takeContents(bytes, 0) : this.#takePadding(bytes, 0);
    while (this.#carry.length > 0 && at < bytes.length) {
      const more = bytes.subarray(at, at + this.#need - this.#carry.length);
      const header = Buffer.concat([this.#carry, more]);
      at += more.length;
      this.#carry = NOTHING;
      await this.#takeEntries(header, 0);
      at = this.#isOpen ? await this.#takeContents(bytes, at) : this.#takePadding(bytes, at);
    }
    await this.#takeEntries(bytes, at);
  }

  /** Takes all entries that begin in the bytes. Keeps a header that is not complete. */
  async #takeEntries(bytes: Uint8Array, start: number): Promise<void> {
    for (let at = start; at < bytes.length; ) {
      if (this.#ended) return this.#takeTail(bytes.subarray(at));
      const need = this.#needAt(bytes, at);
      if (need > 0) {
        this.#need = need;
        this.#carry = Uint8Array.prototype.slice.call(bytes, at);
        return;
      }
      if (this.#ended) {
        at += BLOCK;
        continue;
      }
      const { dataOffset, dataSize } = this.#entry;
      const held = dataOffset + dataSize > bytes.length ? this.#keepHeader(bytes, at) : bytes;
      this.#contentsLeft = dataSize;
      this.#paddingLeft = padded(dataSize) - dataSize;
      this.#isOpen = true;
      const begun = this.#visitor.begin(this.#entry, this.#sparse, held);
      if (begun) await begun;
      // Most entries end in the same bytes: without a promise, a million of them take half the time.
      if (dataSize > 0) {
        at = await this.#takeContents(bytes, dataOffset);
      } else {
        at = dataOffset;
        const ended = this.#end();
        if (ended) await ended;
      }
    }
  }

  #takeTail(bytes: Uint8Array): void {
    this.#hasTail ||= bytes.some((byte) => byte !== 0);
  }

  /** How many bytes the header at `at` needs, if they are not all there; else decodes it and returns 0. */
  #needAt(bytes: Uint8Array, at: number): number {
    if (at + BLOCK > bytes.length) return BLOCK;
    this.#ended = isZeroBlock(bytes, at);
    if (this.#ended) return 0;
    const decoded = decodeEntry(bytes, at, 0, this.#entry);
    if (typeof decoded === 'object') return decoded.need;
    if (decoded === 'extensions') throw new DimgxError('DIMGX_TAR_BAD_PAX', 'extension headers belong to no entry');
    this.#sparse = undefined;
    if (this.#entry.type !== TYPE.file || (this.#entry.quirks & SPARSE) === 0) return 0;
    const stretches = sparseStretches(bytes.subarray(at));
    if ('need' in stretches) return stretches.need;
    this.#sparse = { ...stretches, skip: at + stretches.dataOffset - this.#entry.dataOffset };
    return 0;
  }

  /** Decodes the header from a copy of its own, because these bytes will be gone when the entry ends. */
  #keepHeader(bytes: Uint8Array, at: number): Uint8Array {
    const copy = Uint8Array.prototype.slice.call(bytes, at, this.#entry.dataOffset + (this.#sparse?.skip ?? 0));
    this.#entry = emptyEntry();
    decodeEntry(copy, 0, 0, this.#entry);
    return copy;
  }

  /** @returns index after the contents and their padding, or the end of the bytes */
  async #takeContents(bytes: Uint8Array, start: number): Promise<number> {
    const at = Math.min(bytes.length, start + this.#contentsLeft);
    this.#contentsLeft -= at - start;
    if (at > start) {
      const taken = this.#visitor.contents(bytes.subarray(start, at));
      if (taken) await taken;
    }
    if (this.#contentsLeft > 0) return at;
    const ended = this.#end();
    if (ended) await ended;
    return this.#takePadding(bytes, at);
  }

  #takePadding(bytes: Uint8Array, start: number): number {
    const end = Math.min(bytes.length, start + this.#paddingLeft);
    this.#paddingLeft -= end - start;
    return end;
  }

  #end(): Promise<void> | undefined {
    this.#isOpen = false;
    return this.#visitor.end();
  }
}
