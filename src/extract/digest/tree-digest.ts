import { createHash, hash } from 'node:crypto';
import type { Digest } from '../../reference/digest.js';
import { decodeEntry } from '../../tar/decode.js';
import { emptyEntry, QUIRK } from '../../tar/entry.js';
import { BLOCK, isZeroBlock, padded, TYPE } from '../../tar/header.js';
import { sparseStretches } from '../../tar/sparse-layout.js';
import { ContentsHash } from './contents-hash.js';
import { IMPLIED_ROOT, isRoot, TREE_HEADING, treeLine } from './tree-text.js';

/** Length of the text that is collected before it is hashed, in characters. */
const TEXT = 16 * 1024;

const SPARSE = QUIRK.oldSparse | QUIRK.paxSparse;

const NOTHING = new Uint8Array(0);

/**
 * Computes the tree digest of an output tar while its bytes pass by. It relies on what the output promises: the order
 * of names is canonical, the first name of an inode has its contents, and the PAX records are those that belong to the
 * tree. Memory does not grow with the number of entries.
 */
export class TreeDigest {
  readonly #signal: AbortSignal | undefined;
  readonly #text = createHash('sha256');
  readonly #entry = emptyEntry();
  /** Lines that are not hashed yet. */
  #lines = `${TREE_HEADING}\n`;
  #hasRoot = false;
  #ended = false;
  /** The beginning of a header that the bytes so far do not complete. */
  #carry: Uint8Array = NOTHING;
  /** How many bytes the header needs, at least. */
  #need = BLOCK;
  /** The file whose contents pass by, unless they came all at once. */
  #file: { readonly contents: ContentsHash; readonly line: string } | undefined;
  /** Set while the decoded entry is a sparse file. */
  #sparse: ContentsHash | undefined;
  /** Bytes of contents and of padding still to come. */
  #contentsLeft = 0;
  #paddingLeft = 0;

  constructor(signal?: AbortSignal) {
    this.#signal = signal;
  }

  /** The digest; `undefined` as long as the end mark has not been pushed. */
  get digest(): Digest | undefined {
    if (!this.#ended) return undefined;
    if (!this.#hasRoot) this.#write(IMPLIED_ROOT);
    this.#hasRoot = true;
    return `sha256:${this.#text.copy().update(this.#lines, 'latin1').digest('hex')}`;
  }

  /**
   * Takes the next bytes of the tar. They belong to the caller again once this resolves.
   *
   * @throws DIMGX_ABORTED
   */
  async push(bytes: Uint8Array): Promise<void> {
    let at = await this.#takeContents(bytes, 0);
    while (this.#carry.length > 0 && at < bytes.length) {
      const more = bytes.subarray(at, at + this.#need - this.#carry.length);
      const header = Buffer.concat([this.#carry, more]);
      at += more.length;
      this.#carry = NOTHING;
      await this.#takeEntries(header, 0);
      at = await this.#takeContents(bytes, at);
    }
    await this.#takeEntries(bytes, at);
  }

  /** Takes all entries that begin in the bytes. Keeps a header that is not complete. */
  async #takeEntries(bytes: Uint8Array, start: number): Promise<void> {
    for (let at = start; at < bytes.length && !this.#ended; ) {
      const need = this.#needAt(bytes, at);
      if (need > 0) {
        this.#need = need;
        this.#carry = Uint8Array.prototype.slice.call(bytes, at);
        return;
      }
      if (this.#ended) return;
      this.#begin(bytes);
      at = await this.#takeContents(bytes, this.#entry.dataOffset);
    }
  }

  /** How many bytes the header at `at` needs, if they are not all there; else decodes it and returns 0. */
  #needAt(bytes: Uint8Array, at: number): number {
    if (at + BLOCK > bytes.length) return BLOCK;
    this.#ended = isZeroBlock(bytes, at);
    if (this.#ended) return 0;
    const decoded = decodeEntry(bytes, at, 0, this.#entry);
    if (typeof decoded === 'object') return decoded.need;
    this.#sparse = undefined;
    if (this.#entry.type !== TYPE.file || (this.#entry.quirks & SPARSE) === 0) return 0;
    const stretches = sparseStretches(bytes.subarray(at));
    if ('need' in stretches) return stretches.need;
    const skip = at + stretches.dataOffset - this.#entry.dataOffset;
    this.#sparse = new ContentsHash(stretches, skip, this.#signal);
    return 0;
  }

  /** Begins an entry that is decoded. A file's line is complete only once its contents are hashed. */
  #begin(bytes: Uint8Array): void {
    const entry = this.#entry;
    const { type, dataOffset, dataSize } = entry;
    if (!this.#hasRoot && !isRoot(entry)) this.#write(IMPLIED_ROOT);
    this.#hasRoot = true;
    this.#contentsLeft = dataSize;
    this.#paddingLeft = padded(dataSize) - dataSize;
    const line = treeLine(entry);
    const end = dataOffset + dataSize;
    if (type !== TYPE.file) this.#write(line);
    else if (this.#sparse) this.#file = { contents: this.#sparse, line };
    else if (end > bytes.length) this.#file = { contents: new ContentsHash(undefined), line };
    else this.#write(`${line} ${hash('sha256', bytes.subarray(dataOffset, end), 'hex')}`);
  }

  /** @returns index after the contents and their padding, or the end of the bytes */
  async #takeContents(bytes: Uint8Array, start: number): Promise<number> {
    const at = Math.min(bytes.length, start + this.#contentsLeft);
    const end = Math.min(bytes.length, at + (at < start + this.#contentsLeft ? 0 : this.#paddingLeft));
    this.#contentsLeft -= at - start;
    this.#paddingLeft -= end - at;
    if (!this.#file) return end;
    const { contents, line } = this.#file;
    if (at > start) await contents.push(bytes.subarray(start, at));
    if (this.#contentsLeft > 0) return end;
    this.#write(`${line} ${await contents.end()}`);
    this.#file = undefined;
    return end;
  }

  #write(line: string): void {
    this.#lines += `${line}\n`;
    if (this.#lines.length < TEXT) return;
    this.#text.update(this.#lines, 'latin1');
    this.#lines = '';
  }
}
