import type { ReadAt } from '../base/io/region.js';
import type { TarRules } from './decode.js';
import type { TarEntry } from './entry.js';
import { BLOCK } from './header.js';
import { checkSum } from './read-header.js';
import { HeaderScanner } from './scanner.js';
import { Tail } from './tail.js';

/** What followed the entries. */
export interface TarEnd {
  /** What follows the end mark: nothing but zeros, what looks like another archive, or other data. */
  readonly trailing: 'nothing' | 'archive' | 'data';
  /**
   * Number of extension headers that describe no entry: global ones, and ones that no entry follows. Headers with only
   * comments are not counted.
   */
  readonly strayExtensions: number;
}

/**
 * Read size, in bytes: small while contents are skipped between headers, growing while headers follow each other
 * closely.
 */
const WINDOW = { least: 4 * 1024, most: 64 * 1024 };

/**
 * Scans a tar archive that can be read by position. Contents larger than a window are skipped.
 *
 * @param length of the archive, in bytes
 * @throws what HeaderScanner and `readAt` throw
 */
export async function scanTar(
  readAt: ReadAt,
  length: number,
  onEntry: (entry: TarEntry) => void,
  rules: TarRules = 'layer',
): Promise<TarEnd> {
  const scanner = new HeaderScanner(onEntry, rules);
  // Not a Buffer: its views are slower to create.
  let window = new Uint8Array(Math.min(WINDOW.most, length));
  let size = WINDOW.least;
  while (!scanner.done && scanner.position < length) {
    const from = scanner.position;
    const left = length - from;
    if (left < scanner.need) break;
    // At least double the window. A retry rereads everything, so growing block by block would read it once per block.
    if (window.length < scanner.need) window = new Uint8Array(Math.max(scanner.need, 2 * window.length));
    const bytes = window.subarray(0, Math.min(scanner.need > size ? window.length : size, left));
    await readAt(bytes, from);
    scanner.feed(bytes);
    const isBehind = scanner.position > from + bytes.length;
    size = isBehind ? WINDOW.least : Math.min(2 * size, WINDOW.most);
  }
  const tail = scanner.done ? new Tail(scanner.position) : undefined;
  for (let position = scanner.position; tail && !tail.isSettled && position < length; position += window.length) {
    const bytes = window.subarray(0, Math.min(window.length, length - position));
    await readAt(bytes, position);
    tail.push(bytes);
  }
  const rest = window.subarray(0, length < BLOCK ? length : 0);
  if (rest.length > 0) await readAt(rest, 0);
  scanner.finish(length, rest, tail);
  return { trailing: trailing(tail), strayExtensions: scanner.strayExtensions };
}

function trailing(tail: Tail | undefined): TarEnd['trailing'] {
  if (!tail?.data) return 'nothing';
  const { block } = tail.data;
  try {
    if (block.length === BLOCK) checkSum(block, 0);
    return block.length === BLOCK ? 'archive' : 'data';
  } catch {
    return 'data';
  }
}

/** Scans a tar archive that arrives in pieces. */
export class TarStreamScan {
  readonly #scanner: HeaderScanner;
  /** Bytes buffered until there are enough, from the scanner's `position` on. */
  #carry: Uint8Array[] = [];
  #carried = 0;
  #length = 0;
  #tail: Tail | undefined;

  constructor(onEntry: (entry: TarEntry) => void, rules: TarRules = 'layer') {
    this.#scanner = new HeaderScanner(onEntry, rules);
  }

  /** @throws what HeaderScanner throws */
  push(piece: Uint8Array): void {
    const start = this.#length - this.#carried;
    this.#length += piece.length;
    if (this.#carried > 0 && this.#carried + piece.length < this.#scanner.need) {
      this.#keep(piece);
      return;
    }
    const bytes = this.#carried > 0 ? Buffer.concat([...this.#carry, piece]) : piece;
    this.#carry = [];
    this.#carried = 0;
    while (!this.#scanner.done) {
      const skip = this.#scanner.position - start;
      if (skip >= bytes.length) return;
      const rest = bytes.subarray(skip);
      if (rest.length < this.#scanner.need) {
        this.#keep(rest);
        return;
      }
      this.#scanner.feed(rest);
    }
    this.#tail ??= new Tail(this.#scanner.position);
    this.#tail.push(bytes.subarray(Math.max(0, this.#scanner.position - start)));
  }

  #keep(bytes: Uint8Array): void {
    this.#carry.push(Uint8Array.prototype.slice.call(bytes));
    this.#carried += bytes.length;
  }

  /** @throws DIMGX_TAR_TRUNCATED, DIMGX_TAR_NOT_A_TAR */
  finish(): TarEnd {
    this.#scanner.finish(this.#length, Buffer.concat(this.#carry), this.#tail);
    return { trailing: trailing(this.#tail), strayExtensions: this.#scanner.strayExtensions };
  }
}
