import type { Duplex } from 'node:stream';
import { DimgxError } from '../errors.js';
import { WrappingConverter } from './converter.js';

export interface FrameDecoders {
  /** Makes a decoder for frames. No write to it contains parts of two frames. */
  readonly make: (waiting?: number) => Duplex;
  /** Memory that each one needs besides its window, in bytes. */
  readonly memory: number;
}

/** Reads all frames of a stream. It refuses truncated input, and anything that is not a frame. */
export class ZstdDecoder extends WrappingConverter {
  readonly #frames = new ZstdFrames();
  readonly #overhead: number;
  #hasBegun = false;

  constructor({ make, memory }: FrameDecoders, waiting?: number) {
    super(make(waiting), waiting);
    this.#overhead = memory;
  }

  get memory(): number {
    return this.#overhead + this.#frames.largestWindow;
  }

  protected override async accept(bytes: Buffer): Promise<void> {
    for (const part of this.#frames.parts(bytes)) await this.#decode(part);
  }

  protected override async finish(): Promise<void> {
    this.#frames.finish();
    if (this.#hasBegun) await super.finish();
  }

  #decode(part: Buffer): Promise<void> {
    this.#hasBegun = true;
    return this.feedInner(part);
  }
}

/** In bytes: the largest window that `zstd -d` accepts by default. */
const MAX_WINDOW = 128 * 1024 * 1024;

const MAGIC = 0xfd2fb528;
/** Without the lowest four bits, which can have any value. */
const SKIPPABLE = 0x184d2a5;
const SKIPPABLE_HEADER = 8;
const LONGEST_HEADER = 18;
const BLOCK_HEADER = 3;
const RUN_BLOCK = 1;
const CHECKSUM = 4;

/** Field lengths in a frame's header, by bits of its descriptor. */
const DICTIONARY_ID = [0, 1, 2, 4] as const;
const CONTENT_SIZE = [0, 2, 4, 8] as const;

/**
 * Finds where zstd frames end, because decoders have to know. Node's decoder drops what follows the end of a frame in
 * the same write, and can take a truncated frame for a whole one. Skippable frames, as written by zstd:chunked and
 * pzstd, are left out.
 *
 * Source: RFC 8878, 3.1
 */
class ZstdFrames {
  /** What has arrived of the header of a frame. */
  readonly #header = Buffer.alloc(LONGEST_HEADER);
  #headerBytes = 0;
  /** Size of the largest window so far, in bytes. */
  largestWindow = 0;
  #inFrame = false;
  #hasChecksum = false;
  /** What has arrived of the header of a block. */
  #block = 0;
  #blockBytes = 0;
  /** Whether the current block is the last of the frame. */
  #isLast = false;
  /** Bytes to pass before the next header, or before the end of the frame. */
  #pass = 0;

  /**
   * Yields the parts of the next bytes that belong to frames. No part belongs to two frames.
   *
   * @throws DIMGX_COMPRESSION_UNSUPPORTED for a window that is too large; an Error for data that is not a frame
   */
  *parts(bytes: Buffer): Generator<Buffer> {
    let from = 0;
    for (let at = 0; at < bytes.length; ) {
      if (this.#pass > 0) {
        const passed = Math.min(this.#pass, bytes.length - at);
        this.#pass -= passed;
        at += passed;
      } else if (this.#inFrame) {
        this.#takeOfBlock(bytes[at++] as number);
      } else {
        const before = this.#headerBytes;
        from = at;
        at = this.#readHeader(bytes, at);
        if (before > 0 && this.#inFrame) {
          yield Buffer.from(this.#header.subarray(0, before + at - from));
          from = at;
        }
      }
      if (this.#inFrame && this.#isLast && this.#pass === 0) {
        yield bytes.subarray(from, at);
        this.#inFrame = this.#isLast = false;
      }
    }
    if (this.#inFrame && from < bytes.length) yield bytes.subarray(from);
  }

  /** @throws an Error if the data so far ends inside a frame */
  finish(): void {
    if (this.#inFrame || this.#headerBytes > 0 || this.#pass > 0) throw new Error('unexpected end of data');
  }

  /** @returns offset of the end of the header, or of the bytes if they end first */
  #readHeader(bytes: Buffer, start: number): number {
    let at = start;
    let isWhole = false;
    while (at < bytes.length && !isWhole) {
      this.#header[this.#headerBytes++] = bytes[at++] as number;
      isWhole = this.#headerBytes === this.#headerLength();
    }
    if (!isWhole) return at;
    this.#headerBytes = 0;
    this.#inFrame = this.#header.readUInt32LE() === MAGIC;
    if (this.#inFrame) this.#checkWindow();
    else this.#pass = this.#header.readUInt32LE(4);
    return at;
  }

  /** Length of the frame's header, as far as it is known. */
  #headerLength(): number {
    if (this.#headerBytes < 4) return 4;
    const magic = this.#header.readUInt32LE();
    if (magic >>> 4 === SKIPPABLE) return SKIPPABLE_HEADER;
    if (magic !== MAGIC) throw new Error('no frame follows');
    if (this.#headerBytes === 4) return 5;
    const { windowBytes, dictionaryBytes, contentSizeBytes } = this.#fields();
    return 5 + windowBytes + dictionaryBytes + contentSizeBytes;
  }

  #fields() {
    const descriptor = this.#header[4] as number;
    const windowBytes = (descriptor & 0x20) === 0 ? 1 : 0;
    const dictionaryBytes = DICTIONARY_ID[(descriptor & 3) as 0 | 1 | 2 | 3];
    const contentSizeBytes = CONTENT_SIZE[(descriptor >> 6) as 0 | 1 | 2 | 3] || 1 - windowBytes;
    this.#hasChecksum = (descriptor & 4) !== 0;
    return { windowBytes, dictionaryBytes, contentSizeBytes };
  }

  #checkWindow(): void {
    const size = this.#windowSize();
    this.largestWindow = Math.max(this.largestWindow, size);
    if (size <= MAX_WINDOW) return;
    const message = `its zstd data needs a window of ${size} bytes, more than the limit of ${MAX_WINDOW}`;
    throw new DimgxError('DIMGX_COMPRESSION_UNSUPPORTED', message);
  }

  /** A frame without a window size is a single segment: the window is as large as its contents. */
  #windowSize(): number {
    const { windowBytes, dictionaryBytes, contentSizeBytes } = this.#fields();
    if (windowBytes > 0) {
      const window = this.#header[5] as number;
      return 2 ** (10 + (window >> 3)) * (1 + (window & 7) / 8);
    }
    const at = 5 + dictionaryBytes;
    if (contentSizeBytes === 8) return Number(this.#header.readBigUInt64LE(at));
    return this.#header.readUIntLE(at, contentSizeBytes) + (contentSizeBytes === 2 ? 256 : 0);
  }

  #takeOfBlock(byte: number): void {
    this.#block |= byte << (8 * this.#blockBytes++);
    if (this.#blockBytes < BLOCK_HEADER) return;
    const type = (this.#block >> 1) & 3;
    this.#isLast = (this.#block & 1) !== 0;
    this.#pass = type === RUN_BLOCK ? 1 : this.#block >> 3;
    if (this.#isLast && this.#hasChecksum) this.#pass += CHECKSUM;
    this.#block = this.#blockBytes = 0;
  }
}
