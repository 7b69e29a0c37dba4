/** A 48-bit pattern that starts something, as two 24-bit numbers: `[high, low]`. */
export type Mark = readonly [number, number];

const MARK_BITS = 48;
const FIRST_SIZE = 64 * 1024;

/** Reads bits in order, most significant bit first, from bytes that arrive in pieces. */
export class BitWindow {
  #bytes = Buffer.allocUnsafeSlow(FIRST_SIZE);
  /** Offset of the end of the bytes. */
  #end = 0;
  /** Offset of the next bit, in bits. */
  #at = 0;

  /** Number of bits left to read. */
  get length(): number {
    return this.#end * 8 - this.#at;
  }

  append(piece: Uint8Array): void {
    if (this.#end + piece.length > this.#bytes.length) this.#makeRoom(piece.length);
    this.#bytes.set(piece, this.#end);
    this.#end += piece.length;
  }

  /** Drops the bytes that have been read, which may free enough room. Otherwise the buffer grows. */
  #makeRoom(size: number): void {
    const start = this.#at >>> 3;
    const kept = this.#bytes.subarray(start, this.#end);
    const needed = kept.length + size;
    const isSmall = needed * 2 > this.#bytes.length;
    const bytes = isSmall ? Buffer.allocUnsafeSlow(needed * 2) : this.#bytes;
    bytes.set(kept);
    this.#bytes = bytes;
    this.#at -= start * 8;
    this.#end -= start;
  }

  /** Up to 32 bits, starting `offset` bits ahead. */
  peek(offset: number, count: number): number {
    let value = 0;
    const from = this.#at + offset;
    for (let at = from; at < from + count; ) {
      const inByte = 8 - (at & 7);
      const taken = Math.min(inByte, from + count - at);
      const bits = ((this.#bytes[at >>> 3] ?? 0) >>> (inByte - taken)) & (2 ** taken - 1);
      value = value * 2 ** taken + bits;
      at += taken;
    }
    return value;
  }

  /** Up to 32 bits. */
  take(count: number): number {
    const value = this.peek(0, count);
    this.#at += count;
    return value;
  }

  skip(count: number): void {
    this.#at += count;
  }

  skipToByte(): void {
    this.#at = (this.#at + 7) & ~7;
  }

  isAt(offset: number, [high, low]: Mark): boolean {
    return this.peek(offset, 24) === high && this.peek(offset + 24, 24) === low;
  }

  /**
   * Copies bits so that the first bit copied is the first bit of a byte. The unused bits of the last byte are
   * undefined.
   */
  copy(count: number, into: Uint8Array): void {
    const shift = this.#at & 7;
    const length = Math.ceil(count / 8);
    const start = this.#at >>> 3;
    if (shift === 0) {
      into.set(this.#bytes.subarray(start, start + length));
      return;
    }
    const bytes = this.#bytes;
    let byte = bytes[start] as number;
    for (let i = 0; i < length; i++) {
      const next = bytes[start + i + 1] as number;
      into[i] = (byte << shift) | (next >>> (8 - shift));
      byte = next;
    }
  }

  /**
   * Searches for marks.
   *
   * @param offset where to begin, in bits; only marks at or after it are found
   * @returns offset of the first mark, in bits; -1 if there is none yet
   */
  find(marks: MarkTable, offset: number): number {
    const first = this.#at + offset;
    const bytes = this.#bytes;
    const { shifts } = marks;
    let pair = 0;
    // the third and fourth byte, counted from the byte in which a mark begins, contain only bits of the mark
    for (let i = (first >>> 3) + 2; i < this.#end; i++) {
      pair = ((pair << 8) | (bytes[i] as number)) & 0xffff;
      const shift = shifts[pair] as number;
      if (shift === 0) continue;
      const at = (i - 3) * 8 + shift - 1 - this.#at;
      if (at >= offset && at + MARK_BITS <= this.length && marks.marks.some((mark) => this.isAt(at, mark))) return at;
    }
    return -1;
  }
}

/** Tells from two bytes inside a mark where the mark may have begun. */
export class MarkTable {
  /** Index: the third and fourth byte. Value: 1 + the bit of the first byte at which the mark begins; 0 for no mark. */
  readonly shifts = new Uint8Array(2 ** 16);
  readonly marks: readonly Mark[];

  constructor(marks: readonly Mark[]) {
    this.marks = marks;
    for (const [high, low] of marks) {
      const value = BigInt(high) * 2n ** 24n + BigInt(low);
      for (let shift = 0; shift < 8; shift++) {
        this.shifts[Number((value >> BigInt(MARK_BITS - 32 + shift)) & 0xffffn)] = shift + 1;
      }
    }
  }
}
