import { once } from 'node:events';
import { createGunzip, createInflateRaw, type Gunzip, type InflateRaw } from 'node:zlib';
import { WrappingConverter } from './converter.js';

/** In bytes. Measured: three times as fast as zlib's default of 16 KiB, and a tenth faster than 256 KiB. */
const CHUNK = 1024 * 1024;

/** What zlib needs to inflate, in bytes: the window, and tables. */
const STATE = 64 * 1024;

function settings(waiting: number) {
  return { chunkSize: Math.min(CHUNK, waiting >>> 1) };
}

/** Resolves when an inflater has consumed the bytes or has reached its end. */
function inflate(inflater: Gunzip | InflateRaw, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    inflater.once('end', resolve);
    inflater.write(bytes, (error) => {
      inflater.off('end', resolve);
      if (error) reject(error);
      else resolve();
    });
  });
}

function requireZeros(bytes: Buffer): void {
  if (bytes.some((byte) => byte !== 0)) throw new Error('data other than zeros follows');
}

/**
 * Decodes all members of a gzip file, and refuses anything but zeros after the last member. Node's decoder takes the
 * first zero between members for the end, no matter what follows, and never calls back for writes after that.
 */
export class GzipDecoder extends WrappingConverter<Gunzip> {
  readonly memory = STATE;
  #given = 0;

  constructor(waiting = 2 * CHUNK) {
    super(createGunzip(settings(waiting)), waiting);
  }

  protected override async accept(bytes: Buffer): Promise<void> {
    this.#given += bytes.length;
    if (!this.inner.readableEnded) await inflate(this.inner, bytes);
    const left = Math.min(this.#given - this.inner.bytesWritten, bytes.length);
    requireZeros(bytes.subarray(bytes.length - left));
  }
}

/** Length of what follows the data of a member: its CRC-32 and its length. */
const TRAILER = 8;

/**
 * Decodes like `GzipDecoder`, but does not compute the CRC-32 of the first member, which takes zlib a seventh of its
 * time (measured). It is for files that have been decoded before, or are compared with a digest. Members that follow
 * are left to a `GzipDecoder`.
 */
export class CheckedGzipDecoder extends WrappingConverter<InflateRaw | GzipDecoder> {
  readonly memory = STATE;
  readonly #waiting: number;
  #place: 'header' | 'data' | 'trailer' | 'members' = 'header';
  /** Bytes of the first member's data, so far. */
  #given = 0;
  #trailer = 0;

  constructor(waiting = 2 * CHUNK) {
    super(createInflateRaw(settings(waiting)), waiting);
    this.#waiting = waiting;
  }

  protected override async accept(bytes: Buffer): Promise<void> {
    let rest = bytes;
    if (this.#place === 'header') {
      const length = headerLength(bytes);
      this.#place = length === undefined ? 'members' : 'data';
      if (length === undefined) this.goOnWith(new GzipDecoder(this.#waiting));
      rest = bytes.subarray(length ?? 0);
    }
    if (this.#place === 'data') rest = await this.#inflate(rest);
    if (this.#place === 'trailer') rest = await this.#skipTrailer(rest);
    if (this.#place === 'members' && rest.length > 0) await this.feedInner(rest);
  }

  protected override async finish(): Promise<void> {
    await super.finish();
    if (this.#place !== 'members' && this.#trailer < TRAILER) throw new Error('unexpected end of file');
  }

  /** @returns what follows the data of the first member */
  async #inflate(bytes: Buffer): Promise<Buffer> {
    const { inner } = this;
    if (inner instanceof GzipDecoder) return bytes;
    this.#given += bytes.length;
    await inflate(inner, bytes);
    const left = this.#given - inner.bytesWritten;
    // What it has made may still wait for the reader.
    if (left > 0 || inner.readableEnded) this.#place = 'trailer';
    return bytes.subarray(bytes.length - left);
  }

  /** @returns the members that follow, from their first byte on */
  async #skipTrailer(bytes: Buffer): Promise<Buffer> {
    const length = Math.min(Math.max(0, TRAILER - this.#trailer), bytes.length);
    const rest = bytes.subarray(length);
    const isNext = this.#trailer <= TRAILER && rest.length > 0 && rest[0] !== 0;
    this.#trailer += length;
    if (isNext) {
      if (!this.inner.readableEnded) await once(this.inner, 'end');
      this.#place = 'members';
      this.goOnWith(new GzipDecoder(this.#waiting));
    } else if (rest.length > 0) {
      requireZeros(rest);
      this.#trailer = TRAILER + 1;
    }
    return isNext ? rest : rest.subarray(rest.length);
  }
}

const METHOD_DEFLATE = 8;
const FLAG = { headerCrc: 2, extra: 4, name: 8, comment: 16 } as const;
const FIXED_FIELDS = 10;

/**
 * Length of a member's header.
 *
 * Source: RFC 1952, 2.3
 *
 * @returns `undefined` if it is not whole, or if a decoder should say what is wrong with it
 */
function headerLength(bytes: Buffer): number | undefined {
  const flags = bytes[3] ?? 0;
  if (bytes.length < FIXED_FIELDS || bytes.readUInt16BE(0) !== 0x1f8b || bytes[2] !== METHOD_DEFLATE || flags > 31) {
    return undefined;
  }
  let length = FIXED_FIELDS;
  if (flags & FLAG.extra) {
    if (bytes.length < length + 2) return undefined;
    length += 2 + bytes.readUInt16LE(length);
  }
  for (const text of [FLAG.name, FLAG.comment]) {
    if (!(flags & text)) continue;
    const end = bytes.indexOf(0, length);
    if (end < 0) return undefined;
    length = end + 1;
  }
  if (flags & FLAG.headerCrc) length += 2;
  return length < bytes.length ? length : undefined;
}
