import { decodeEntry, type TarRules } from '../../../tar/decode.js';
import { QUIRK, type TarEntry } from '../../../tar/entry.js';
import { BLOCK, FIELD, padded, TYPE } from '../../../tar/header.js';
import { contradiction } from './tar-split.js';

const NOTHING = Buffer.alloc(0);

/** The segments of a layer since its last entry. They may be the headers of the next, after padding. */
export class HeldHeaders {
  #segments: Buffer[] = [];
  #length = 0;

  /** In bytes. */
  get length(): number {
    return this.#length;
  }

  /** The type of the next entry. @returns `undefined` if no header is held */
  get type(): number | undefined {
    return this.#segments.at(-1)?.at(TYPE_AT - BLOCK);
  }

  push(bytes: Buffer): void {
    this.#length += bytes.length;
    this.#segments.push(bytes);
  }

  /** All bytes. None are held any more. */
  take(): Buffer {
    const [first = NOTHING] = this.#segments;
    const bytes = this.#segments.length > 1 ? Buffer.concat(this.#segments) : first;
    this.#segments = [];
    this.#length = 0;
    return bytes;
  }

  /** Puts other headers in place of those from an offset on. */
  replace(offset: number, headers: Buffer): void {
    const padding = this.take().subarray(0, offset);
    this.push(padding);
    this.push(headers);
  }

  /**
   * Whether they are those of most files: one block, with this size. The index reads them in full, and compares its
   * entries with the pieces.
   *
   * @param base offset of the first byte in the layer
   */
  isUsual(base: number, size: number): boolean {
    const [headers] = this.#segments;
    if (!headers || this.#segments.length > 1 || headers.length !== padded(base) - base + BLOCK) return false;
    const header = headers.subarray(-BLOCK);
    return header[TYPE_AT] === TYPE.file && header.toString('latin1', SIZE_AT, SIZE_AT + 12) === octal(size);
  }

  /**
   * Decodes them.
   *
   * @param base as for `isUsual`
   * @param entry becomes the next entry
   * @param name for errors
   * @returns the headers; `undefined` if the map of a sparse file has to follow
   * @throws DIMGX_STORE_DAMAGED, DIMGX_TAR_*
   */
  decode(base: number, entry: TarEntry, name: Uint8Array, rules: TarRules): Buffer | undefined {
    const bytes = Buffer.concat(this.#segments);
    // Before the headers lies the padding of what came before.
    for (let at = padded(base) - base; at < bytes.length; ) {
      const decoded = decodeEntry(bytes, at, base, entry, rules);
      if (decoded === 'entry') return bytes.subarray(entry.start - base);
      if (typeof decoded === 'object') {
        if (needsContents(entry, bytes, base)) return undefined;
        throw contradiction(name);
      }
      at = entry.end - base;
    }
    throw contradiction(name);
  }
}

/** Offsets of fields in a header. Source: POSIX.1-2017 pax, ustar. */
const {
  size: { offset: SIZE_AT },
  type: { offset: TYPE_AT },
} = FIELD;

/** A size as in the header of most files. */
function octal(size: number): string {
  return `${size.toString(8).padStart(11, '0')}\0`;
}

/** Whether more bytes are needed because the map of a sparse file is in its contents. */
function needsContents({ quirks, headerOffset }: TarEntry, bytes: Uint8Array, base: number): boolean {
  return (quirks & QUIRK.paxSparse) !== 0 && headerOffset - base < bytes.length;
}
