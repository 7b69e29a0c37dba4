import { quoted } from '../../../base/text/printable.js';
import { DimgxError } from '../../../errors.js';
import type { PartReader } from '../store-files.js';

/** A page, or the bytes of a bucket that is stored in a page. Its elements are inside it. */
export interface BoltPage {
  readonly bytes: Buffer;
  readonly isLeaf: boolean;
  /** Number of elements. */
  readonly count: number;
}

/** What a meta page says. */
interface Meta {
  readonly pageSize: number;
  /** Page of the root bucket. */
  readonly root: number;
  /** Number of pages that have ever been used. */
  readonly high: number;
  /** Number of the transaction that wrote it. */
  readonly transaction: bigint;
}

/** In bytes. */
const PAGE_HEADER = 16;
const ELEMENT = 16;
const META_LENGTH = 64;

const MAGIC = 0xed0cdaed;
const VERSION = 2;
const [BRANCH, LEAF] = [1, 2];

/** Limit of the file, in bytes. */
const MAX_FILE = 2 ** 30;
/** Limit of a page with all that it overflows into, in bytes. */
const MAX_PAGE = 64 * 2 ** 20;
/** Smallest and largest size of a page without overflow, in bytes. */
const [LEAST_SIZE, MOST_SIZE] = [1024, 2 ** 24];
/** Bytes that cost as much time to read as an element, roughly. */
const BYTES_PER_ELEMENT = 256;
/** Limit of all reading, in elements: pages may be reached in many ways. A large file has more. */
const LEAST_WORK = 2 ** 21;

/**
 * The pages of a file of bbolt, Go's embedded database. They are checked as they are read, one by one. Numbers are
 * little-endian. Source: etcd-io/bbolt, internal/common/page.go, meta.go.
 */
export class BoltPages {
  readonly #file: PartReader;
  readonly #meta: Meta;
  #work = 0;

  /** @throws DIMGX_STORE_DAMAGED if neither of its meta pages is valid */
  constructor(file: PartReader) {
    this.#file = file;
    if (file.size > MAX_FILE) throw this.damaged(`is larger than ${MAX_FILE} bytes`);
    const meta = this.#newestMeta();
    if (!meta) throw this.damaged('has no valid meta page');
    this.#meta = meta;
  }

  /** Page of the root bucket. */
  get root(): number {
    return this.#meta.root;
  }

  /** Whether nothing has been committed since. Until then, no page in use is overwritten. */
  isCurrent(): boolean {
    return this.#newestMeta()?.transaction === this.#meta.transaction;
  }

  /** @param number as an element or a bucket gives it @throws DIMGX_STORE_DAMAGED */
  read(number: bigint): BoltPage {
    const { pageSize, high } = this.#meta;
    if (number < 2n || number >= BigInt(high)) throw this.damaged(`names the page ${number}, which it does not have`);
    const position = Number(number) * pageSize;
    const first = this.#part(position, pageSize);
    const length = (first.readUInt32LE(12) + 1) * pageSize;
    if (length > MAX_PAGE || position + length > this.#file.size)
      throw this.damaged(`has a page ${number} that is too long`);
    if (first.readBigUInt64LE(0) !== number) throw this.damaged(`has another page in place of the page ${number}`);
    return this.parse(length === pageSize ? first : this.#part(position, length));
  }

  /** @param bytes a page with its header @throws DIMGX_STORE_DAMAGED */
  parse(bytes: Buffer): BoltPage {
    if (bytes.length < PAGE_HEADER) throw this.damaged('has a page without a header');
    const [flags, count] = [bytes.readUInt16LE(8), bytes.readUInt16LE(10)];
    if (flags !== BRANCH && flags !== LEAF) throw this.damaged('has a page of another type in a bucket');
    if (PAGE_HEADER + count * ELEMENT > bytes.length)
      throw this.damaged('has a page with more elements than it can hold');
    return { bytes, isLeaf: flags === LEAF, count };
  }

  /** Offset of an element in its page, in bytes. */
  elementAt(index: number): number {
    this.#spend(1);
    return PAGE_HEADER + index * ELEMENT;
  }

  damaged(what: string): DimgxError {
    return new DimgxError('DIMGX_STORE_DAMAGED', `the database ${quoted(this.#file.name)} ${what}`);
  }

  #part(position: number, length: number): Buffer {
    this.#spend(length / BYTES_PER_ELEMENT);
    const bytes = this.#file.read(position, length);
    if (bytes.length < length) throw this.damaged('ends in the middle of a page');
    return bytes;
  }

  #spend(work: number): void {
    this.#work += work;
    if (this.#work > LEAST_WORK + this.#file.size / ELEMENT)
      throw this.damaged('leads to the same pages again and again');
  }

  /** One of the two meta pages may be torn. If that is the first, the place of the second is not known. */
  #newestMeta(): Meta | undefined {
    const first = this.#metaAt(0);
    if (first) {
      const second = this.#metaAt(first.pageSize);
      return second && second.transaction > first.transaction ? second : first;
    }
    for (let size = LEAST_SIZE; size <= MOST_SIZE; size *= 2) {
      const second = this.#metaAt(size);
      if (second?.pageSize === size) return second;
    }
    return undefined;
  }

  #metaAt(position: number): Meta | undefined {
    const bytes = this.#file.read(position + PAGE_HEADER, META_LENGTH);
    const isMeta = bytes.length === META_LENGTH && bytes.readUInt32LE(0) === MAGIC && bytes.readUInt32LE(4) === VERSION;
    if (!isMeta || bytes.readBigUInt64LE(56) !== fnv1a(bytes.subarray(0, 56))) return undefined;
    const pageSize = bytes.readUInt32LE(8);
    const isSize = pageSize >= LEAST_SIZE && pageSize <= MOST_SIZE && Number.isInteger(Math.log2(pageSize));
    if (!isSize) return undefined;
    const high = Math.min(Number(bytes.readBigUInt64LE(40)), Math.ceil(this.#file.size / pageSize));
    return { pageSize, high, root: Number(bytes.readBigUInt64LE(16)), transaction: bytes.readBigUInt64LE(48) };
  }
}

/** FNV-1a, 64 bits. Source: Go's hash/fnv. */
export function fnv1a(bytes: Uint8Array): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash;
}
