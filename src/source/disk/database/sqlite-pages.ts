import type { DimgxError } from '../../../errors.js';

/** A number of variable length, and the offset after it. */
interface Varint {
  readonly value: number;
  readonly end: number;
}

const MAGIC = Buffer.from('SQLite format 3\0');
/** In bytes: header of the file, which lies on the first page. */
const FILE_HEADER = 100;
/** Version of the format that writes commits into a second file. */
const WRITE_AHEAD = 2;
const [INTERIOR, LEAF] = [5, 13];
/** In bytes: header of a page of each kind. */
const HEADERS = { [INTERIOR]: 12, [LEAF]: 8 };
/** Depth of a tree of pages, which is 2 or 3 in practice. */
const MAX_DEPTH = 64;
/** Longest variable number, in bytes. */
const MAX_VARINT = 9;

/**
 * The pages of an SQLite database that make up tables. They are checked as they are read. Numbers are big-endian. Source:
 * SQLite, Database File Format.
 */
export class SqlitePages {
  readonly #bytes: Buffer;
  readonly #pageSize: number;
  /** Bytes of a page without those that extensions reserve. */
  readonly #usable: number;
  readonly damaged: (what: string) => DimgxError;

  /** @param bytes the file @param damaged makes the error @throws DIMGX_STORE_DAMAGED if it is no such database */
  constructor(bytes: Buffer, damaged: (what: string) => DimgxError) {
    this.#bytes = bytes;
    this.damaged = damaged;
    if (bytes.length < FILE_HEADER || !bytes.subarray(0, MAGIC.length).equals(MAGIC))
      throw damaged('is not an SQLite database');
    if (bytes[19] === WRITE_AHEAD) throw damaged('keeps its newest changes in another file');
    const size = bytes.readUInt16BE(16);
    this.#pageSize = size === 1 ? 65_536 : size;
    this.#usable = this.#pageSize - (bytes[20] as number);
    if (this.#pageSize < 512 || !Number.isInteger(Math.log2(this.#pageSize)) || this.#usable < 480)
      throw damaged('has a malformed header');
  }

  /** The records of a table, in order. @param root number of its first page, from 1 @throws DIMGX_STORE_DAMAGED */
  *records(root: number): Generator<Buffer, void, void> {
    const seen = new Set<number>();
    const ahead = [{ number: root, depth: 0 }];
    for (let next = ahead.pop(); next; next = ahead.pop()) {
      const { number, depth } = next;
      if (seen.has(number) || depth > MAX_DEPTH) throw this.damaged('has pages that form a loop');
      seen.add(number);
      const page = this.#page(number);
      const { kind, cells, rightmost } = this.#layout(page, number);
      if (kind === LEAF) for (const at of cells) yield this.#record(page, at, seen);
      else {
        const children = [...cells.map((at) => this.#number(page, at)), rightmost];
        ahead.push(...children.reverse().map((child) => ({ number: child, depth: depth + 1 })));
      }
    }
  }

  /** @throws DIMGX_STORE_DAMAGED if it does not end */
  varint(bytes: Buffer, at: number): Varint {
    let value = 0n;
    for (let i = 0; i < MAX_VARINT && at + i < bytes.length; i += 1) {
      const byte = bytes[at + i] as number;
      const isLast = i === MAX_VARINT - 1;
      value = isLast ? (value << 8n) | BigInt(byte) : (value << 7n) | BigInt(byte & 0x7f);
      if (byte < 0x80 || isLast) return { value: Number(BigInt.asUintN(64, value)), end: at + i + 1 };
    }
    throw this.damaged('has a number that does not end');
  }

  #page(number: number): Buffer {
    const start = (number - 1) * this.#pageSize;
    if (number < 1 || start + this.#pageSize > this.#bytes.length)
      throw this.damaged(`names the page ${number}, which it does not have`);
    return this.#bytes.subarray(start, start + this.#usable);
  }

  /** Where the cells of a page are. The last child of an interior page has no cell. */
  #layout(page: Buffer, number: number) {
    const base = number === 1 ? FILE_HEADER : 0;
    const kind = page[base] as number;
    if (kind !== INTERIOR && kind !== LEAF) throw this.damaged('has a page of another type in a table');
    const pointers = base + (HEADERS[kind] as number);
    const count = page.readUInt16BE(base + 3);
    if (pointers + 2 * count > page.length) throw this.damaged('has a page with more rows than it can hold');
    const cells = Array.from({ length: count }, (_, i) => page.readUInt16BE(pointers + 2 * i));
    return { kind, cells, rightmost: kind === LEAF ? 0 : page.readUInt32BE(base + 8) };
  }

  #number(page: Buffer, at: number): number {
    if (at + 4 > page.length) throw this.damaged('has a number outside of its page');
    return page.readUInt32BE(at);
  }

  /** @param seen pages that are in use */
  #record(page: Buffer, at: number, seen: Set<number>): Buffer {
    const { value: length, end } = this.varint(page, at);
    const start = this.varint(page, end).end; // after the number of the row
    const local = this.#localLength(length);
    if (length > this.#bytes.length || start + local > page.length) throw this.damaged('has a row outside of its page');
    const parts = [page.subarray(start, start + local)];
    let missing = length - local;
    let next = missing > 0 ? this.#number(page, start + local) : 0;
    while (missing > 0) {
      if (seen.has(next)) throw this.damaged('has pages that form a loop');
      seen.add(next);
      const more = this.#page(next);
      parts.push(more.subarray(4, 4 + missing));
      missing -= more.length - 4;
      next = more.readUInt32BE(0);
    }
    return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
  }

  /** How many bytes of a record are on the page of its row; the others are on pages of their own. */
  #localLength(length: number): number {
    const usable = this.#usable;
    const most = usable - 35;
    if (length <= most) return length;
    const least = Math.floor(((usable - 12) * 32) / 255) - 23;
    const local = least + ((length - least) % (usable - 4));
    return local <= most ? local : least;
  }
}
