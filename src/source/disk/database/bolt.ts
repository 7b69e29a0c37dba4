import type { PartReader, StoreFiles } from '../store-files.js';
import { type BoltPage, BoltPages } from './bolt-pages.js';
import { readSettled } from './read-settled.js';

/** Longest key, in bytes. Source: bbolt, MaxKeySize. */
const MAX_KEY = 32_768;
/** Depth of a tree of pages, which is 3 or 4 in practice. */
const MAX_DEPTH = 64;
/** Size of databases that are copied into memory, in bytes: reading them takes much less time than searching them. */
const SMALL = 32 * 2 ** 20;

/** In bytes: page of the root, and a counter. */
const BUCKET_HEADER = 16;

/** What a bucket has under a key: a value, or another bucket. */
export interface BoltEntry {
  readonly key: Buffer;
  readonly value: Buffer | BoltBucket;
}

/**
 * Reads a bbolt database. If the engine has committed meanwhile, the database is read again.
 *
 * @param visit receives the root bucket; it is called again if the database is read again
 * @returns `undefined` if there is no such file
 * @throws DIMGX_STORE_DAMAGED, DIMGX_SOURCE_CHANGED, as `StoreFiles.read`; what `visit` throws
 */
export function readBolt<T>(files: StoreFiles, path: string, visit: (root: BoltBucket) => T): T | undefined {
  const read = () =>
    files.readParts(path, (file) => {
      const pages = new BoltPages(file);
      if (file.size > SMALL) {
        const seen = attempt(() => visit(rootOf(pages)));
        return pages.isCurrent() ? seen : 'changed';
      }
      const bytes = file.read(0, file.size);
      return pages.isCurrent() ? { copy: new BoltPages(inMemory(file.name, bytes)) } : 'changed';
    });
  const outcome = readSettled(files, path, read);
  if (outcome === undefined) return undefined;
  if ('copy' in outcome) return visit(rootOf(outcome.copy));
  if ('failure' in outcome) throw outcome.failure;
  return outcome.result;
}

/** A bucket of a bbolt database: keys in order, each with a value or a bucket. Source: bbolt, bucket.go. */
export class BoltBucket {
  readonly #pages: BoltPages;
  readonly #root: bigint | BoltPage;

  /** @param root number of its page, or the page itself, which then is a leaf */
  constructor(pages: BoltPages, root: bigint | BoltPage) {
    this.#pages = pages;
    this.#root = root;
  }

  /** @returns `undefined` if the key has no value @throws DIMGX_STORE_DAMAGED */
  value(key: string): Buffer | undefined {
    const found = this.#find(Buffer.from(key));
    return found instanceof BoltBucket ? undefined : found;
  }

  /** @returns `undefined` if there is no bucket on the way of keys @throws DIMGX_STORE_DAMAGED */
  bucket(...keys: readonly string[]): BoltBucket | undefined {
    let bucket: BoltBucket | undefined = this;
    for (const key of keys) {
      const found: Buffer | BoltBucket | undefined = bucket.#find(Buffer.from(key));
      if (!(found instanceof BoltBucket)) return undefined;
      bucket = found;
    }
    return bucket;
  }

  /** @throws DIMGX_STORE_DAMAGED */
  *entries(): Generator<BoltEntry, void, void> {
    const seen = new Set<bigint>();
    /** Pages on the way down, each with the index of its next element. */
    const way: { readonly page: BoltPage; next: number }[] = [{ page: this.#top(), next: 0 }];
    for (let at = way.at(-1); at; at = way.at(-1)) {
      const { page } = at;
      if (at.next === page.count) way.pop();
      else if (page.isLeaf) yield this.#entry(page, at.next++);
      else {
        const child = this.#child(page, at.next++);
        if (seen.has(child) || way.length > MAX_DEPTH) throw this.#pages.damaged('has pages that form a loop');
        seen.add(child);
        way.push({ page: this.#pages.read(child), next: 0 });
      }
    }
  }

  #top(): BoltPage {
    return typeof this.#root === 'bigint' ? this.#pages.read(this.#root) : this.#root;
  }

  /** Goes down only where the key can be. Damage elsewhere has no effect. */
  #find(key: Buffer): Buffer | BoltBucket | undefined {
    let page = this.#top();
    for (let depth = 0; !page.isLeaf; depth += 1) {
      if (depth > MAX_DEPTH) throw this.#pages.damaged('has pages that form a loop');
      const index = this.#firstFrom(page, key);
      const isThere = index < page.count && this.#key(page, index).equals(key);
      const child = isThere ? index : index - 1;
      if (child < 0) return undefined;
      page = this.#pages.read(this.#child(page, child));
    }
    const index = this.#firstFrom(page, key);
    if (index === page.count || !this.#key(page, index).equals(key)) return undefined;
    return this.#entry(page, index).value;
  }

  /** Index of the first element whose key is not less. */
  #firstFrom(page: BoltPage, key: Buffer): number {
    let [low, high] = [0, page.count];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#key(page, middle).compare(key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** A leaf has flags before the place of the key. */
  #key({ bytes, isLeaf }: BoltPage, index: number): Buffer {
    const at = this.#pages.elementAt(index);
    const field = isLeaf ? at + 4 : at;
    const start = at + bytes.readUInt32LE(field);
    return this.#inside(bytes, start, bytes.readUInt32LE(field + 4), MAX_KEY);
  }

  #child({ bytes }: BoltPage, index: number): bigint {
    return bytes.readBigUInt64LE(this.#pages.elementAt(index) + 8);
  }

  #entry(page: BoltPage, index: number): BoltEntry {
    const { bytes } = page;
    const at = this.#pages.elementAt(index);
    const key = this.#key(page, index);
    const start = at + bytes.readUInt32LE(at + 4) + key.length;
    const value = this.#inside(bytes, start, bytes.readUInt32LE(at + 12), bytes.length);
    const isBucket = (bytes.readUInt32LE(at) & 1) === 1;
    return { key, value: isBucket ? this.#inner(value) : value };
  }

  /** A small bucket has no page of its own: its page follows its header. */
  #inner(value: Buffer): BoltBucket {
    if (value.length < BUCKET_HEADER) throw this.#pages.damaged('has a malformed bucket');
    const root = value.readBigUInt64LE(0);
    if (root !== 0n) return new BoltBucket(this.#pages, root);
    const page = this.#pages.parse(value.subarray(BUCKET_HEADER));
    if (!page.isLeaf) throw this.#pages.damaged('has a malformed bucket');
    return new BoltBucket(this.#pages, page);
  }

  #inside(bytes: Buffer, start: number, length: number, limit: number): Buffer {
    if (length > limit || start + length > bytes.length)
      throw this.#pages.damaged('has an element outside of its page');
    return bytes.subarray(start, start + length);
  }
}

function rootOf(pages: BoltPages): BoltBucket {
  return new BoltBucket(pages, BigInt(pages.root));
}

function inMemory(name: string, bytes: Buffer): PartReader {
  return { name, size: bytes.length, read: (position, length) => bytes.subarray(position, position + length) };
}

function attempt<T>(work: () => T): { readonly result: T } | { readonly failure: unknown } {
  try {
    return { result: work() };
  } catch (failure) {
    return { failure };
  }
}
