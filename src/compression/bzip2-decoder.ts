import { BitWindow, type Mark, MarkTable } from './bit-window.js';
import { Converter } from './converter.js';
import { Libbz2 } from './libbz2.js';

const STREAM_HEAD = 0x425a68;
const BLOCK: Mark = [0x314159, 0x265359];
const STREAM_END: Mark = [0x177245, 0x385090];
const MARKS = new MarkTable([BLOCK, STREAM_END]);
const MARK_BITS = 48;
const CHECK_BITS = 32;

/** Length of a stream's header, in bytes. */
const HEAD = 4;
/** What follows the last block, in bytes: the end mark, the checksum, and up to seven bits of padding. */
const TAIL = 11;
/** Size that no block exceeds, in bytes: 900,000 symbols of 20 bits, and its tables. */
const LARGEST_BLOCK = 2.5 * 1024 * 1024;
/** How many marks may occur in the data of a block by chance. The probability is 2^-47 for each bit of the data. */
const MARKS_WITHIN = 3;
const PIECE = 256 * 1024;

/**
 * Decodes all streams of a bzip2 file, one block at a time. The data between two marks is passed to libbz2 as a stream
 * of its own, which libbz2 checks. With whole streams, libbz2 would have to hold everything that they decode to.
 */
export class Bzip2Decoder extends Converter {
  readonly #libbz2: Libbz2;
  readonly #bits = new BitWindow();
  /** Level of the current stream; 0 before its header. */
  #level = 0;
  #streams = 0;
  /** Combined checksum of the blocks of the stream so far. */
  #check = 0;
  /** Where to search for the end of the block, in bits from its beginning. */
  #from = MARK_BITS;
  #marksWithin = 0;

  constructor(libbz2: WebAssembly.Module, waiting?: number) {
    super(waiting);
    this.#libbz2 = new Libbz2(libbz2);
  }

  get memory(): number {
    return this.#libbz2.memory;
  }

  protected override async accept(bytes: Buffer): Promise<void> {
    this.#bits.append(bytes);
    while (!this.destroyed && (await this.#step()));
  }

  protected override async finish(): Promise<void> {
    if (this.#marksWithin > 0) throw new Error('a block is damaged');
    if (this.#level > 0 || this.#bits.length > 0 || this.#streams === 0) throw new Error('it ends too early');
  }

  /** @returns whether there was enough data for a step */
  async #step(): Promise<boolean> {
    if (this.#level === 0) return this.#readHead();
    if (this.#bits.length < MARK_BITS + CHECK_BITS) return false;
    if (this.#bits.isAt(0, BLOCK)) return this.#readBlock();
    if (this.#bits.isAt(0, STREAM_END)) return this.#readEnd();
    throw new Error('neither a block nor the end of its stream follows');
  }

  #readHead(): boolean {
    if (this.#bits.length < HEAD * 8) return false;
    const magic = this.#bits.take(24);
    const level = this.#bits.take(8) - 0x30;
    if (magic !== STREAM_HEAD || level < 1 || level > 9) throw new Error('data other than a stream follows');
    this.#level = level;
    this.#streams++;
    this.#check = 0;
    return true;
  }

  #readEnd(): boolean {
    this.#bits.skip(MARK_BITS);
    if (this.#bits.take(CHECK_BITS) !== this.#check) throw new Error('the checksum of a stream is wrong');
    this.#bits.skipToByte();
    this.#level = 0;
    return true;
  }

  async #readBlock(): Promise<boolean> {
    const end = this.#bits.find(MARKS, this.#from);
    if (end < 0) return this.#isWorthWaiting();
    const length = this.#copyAsStream(end, this.#libbz2.input(HEAD + Math.ceil(end / 8) + TAIL));
    const block = this.#libbz2.decompress(length);
    if (!block) return this.#lookFurther(end);
    const check = this.#bits.peek(MARK_BITS, CHECK_BITS);
    this.#check = (((this.#check << 1) | (this.#check >>> 31)) ^ check) >>> 0;
    this.#bits.skip(end);
    this.#from = MARK_BITS;
    this.#marksWithin = 0;
    for (let at = 0; at < block.length; at += PIECE) await this.put(Buffer.from(block.subarray(at, at + PIECE)));
    return true;
  }

  #isWorthWaiting(): false {
    this.#from = Math.max(this.#from, this.#bits.length - MARK_BITS + 1);
    if (this.#from > LARGEST_BLOCK * 8) throw new Error('a block is damaged');
    return false;
  }

  #lookFurther(end: number): true {
    if (this.#marksWithin++ === MARKS_WITHIN) throw new Error('a block is damaged');
    this.#from = end + MARK_BITS;
    return true;
  }

  /**
   * Writes a stream of one block: a header, the block, the end mark, and the checksum of the stream, which equals that
   * of its only block.
   *
   * @param count length of the block, in bits
   * @returns length of the stream, in bytes
   */
  #copyAsStream(count: number, into: Uint8Array): number {
    into.set([STREAM_HEAD >>> 16, (STREAM_HEAD >>> 8) & 0xff, STREAM_HEAD & 0xff, 0x30 + this.#level]);
    this.#bits.copy(count, into.subarray(HEAD));
    const check = this.#bits.peek(MARK_BITS, CHECK_BITS);
    const tail = [STREAM_END[0], STREAM_END[1], check >>> 16, check & 0xffff];
    const widths = [24, 24, 16, 16];
    let at = HEAD + (count >>> 3);
    let filled = count & 7;
    let bits = (into[at] as number) >>> (8 - filled);
    for (const [i, value] of tail.entries()) {
      const width = widths[i] as number;
      bits = bits * 2 ** width + value;
      for (filled += width; filled >= 8; filled -= 8) {
        into[at++] = Math.floor(bits / 2 ** (filled - 8));
        bits %= 2 ** (filled - 8);
      }
    }
    into[at] = bits * 2 ** (8 - filled);
    return at + 1;
  }
}
