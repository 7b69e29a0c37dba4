/** Two numbers of 24 bits that begin something: `[high, low]`. */
export type Mark = readonly [number, number];

const MARK_BITS = 48;
const FIRST_SIZE = 64 * 1024;

/** Bits that are read in order, most significant first, out of bytes that come in pieces. */
export class BitWindow {
  #bytes = Buffer.allocUnsafeSlow(FIRST_SIZE);
  /** Where the bytes end. */
  #end = 0;
  /** Where the next bit is. */
  #at = 0;

  /** How many bits there are to read. */
  get length(): number {
    return this.#end * 8 - this.#at;
  }

  append(piece: Uint8Array): void {
    if (this.#end + piece.length > this.#bytes.length) this.#makeRoom(piece.length);
    this.#bytes.set(piece, this.#end);
    this.#end += piece.length;
  }

  /** Drops what has been read, which may be enough. */
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

  /** Up to 32 bits, `offset` bits ahead. */
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

  /** Copies bits, so that the first is the first of a byte; what is left of the last byte is undefined. */
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
   * Looks for marks.
   *
   * @param offset in bits, where to begin; what is found lies there or behind it
   * @returns the offset of the first, in bits; -1 when there is none yet
   */
  find(marks: MarkTable, offset: number): number {
    const first = this.#at + offset;
    const bytes = this.#bytes;
    const { shifts } = marks;
    let pair = 0;
    // of a mark, the third and the fourth byte from that where it begins are all its own
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

/** Tells from two bytes within a mark where it may have begun. */
export class MarkTable {
  /** By the third and fourth byte: at which bit of the first it begins, and one; 0 for none. */
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
