import { hash } from 'node:crypto';
import { formatSize } from '../../base/limits.js';
import { DimgxError } from '../../errors.js';
import { Column, NONE } from '../../merge/node.js';
import { detachedBytes, detachedXattrs, type FileFacts } from '../header-facts.js';

/** In bytes. */
const SHA256 = 32;

/** Maximum size of targets and xattrs that are kept, in bytes. */
const MAX_RARE = 2 ** 28;

/** What a file with several names that is not an ordinary file without xattrs takes, in bytes, at the least. */
const LEAST_RARE = 256;

const NO_XATTRS: ReadonlyMap<string, Uint8Array> = new Map();

/**
 * The first names of files with several names, found by their paths. A row takes about 60 bytes. Only digests of the
 * paths are kept: whoever made a bag chose them, and must not choose how long a search takes.
 */
export class FirstNames {
  /** Rows by the start of their digests; `NONE` where there is none. */
  #slots = new Int32Array(64).fill(NONE);
  /** The first eight bytes of the digest of each path. */
  readonly #high = new Column(16);
  readonly #low = new Column(16);
  readonly #inode = new Column(16);
  #sizes = new Float64Array(16);
  #hashes = Buffer.alloc(16 * SHA256);
  /** Facts that the columns have no room for. */
  readonly #rare = new Map<number, FileFacts>();
  #rareSize = 0;

  /** Of several entries with one path, the last counts. @throws DIMGX_LIMIT_NAMES */
  add(path: Uint8Array, facts: FileFacts, inode: number): void {
    const known = this.find(path);
    const row = known === NONE ? this.#addRow(path) : known;
    this.#inode.set(row, inode);
    this.#keep(row, facts);
  }

  /** @returns the row of a path, or `NONE` */
  find(path: Uint8Array): number {
    const digest = digestOf(path);
    const [high, low] = [digest.readInt32LE(0), digest.readInt32LE(4)];
    const mask = this.#slots.length - 1;
    for (let slot = high & mask; ; slot = (slot + 1) & mask) {
      const row = this.#slots[slot] as number;
      if (row === NONE || (this.#high.get(row) === high && this.#low.get(row) === low)) return row;
    }
  }

  inode(row: number): number {
    return this.#inode.get(row);
  }

  facts(row: number): FileFacts {
    const sha256 = this.#hashes.toString('hex', row * SHA256, (row + 1) * SHA256);
    return this.#rare.get(row) ?? { type: 'file', size: this.#sizes[row] as number, xattrs: NO_XATTRS, sha256 };
  }

  #addRow(path: Uint8Array): number {
    const row = this.#high.length;
    if (2 * row >= this.#slots.length) this.#grow();
    const digest = digestOf(path);
    this.#high.push(digest.readInt32LE(0));
    this.#low.push(digest.readInt32LE(4));
    this.#inode.push(0);
    this.#enter(row);
    return row;
  }

  #keep(row: number, facts: FileFacts): void {
    const { type, size, xattrs, sha256, atime, ctime, crtime } = facts;
    if (row === this.#sizes.length) {
      const sizes = new Float64Array(2 * row);
      sizes.set(this.#sizes);
      this.#sizes = sizes;
      this.#hashes = Buffer.concat([this.#hashes, Buffer.alloc(this.#hashes.length)]);
    }
    if (type === 'file' && sha256 !== undefined && xattrs.size === 0 && !atime && !ctime && !crtime) {
      this.#sizes[row] = size;
      this.#hashes.write(sha256, row * SHA256, 'hex');
      this.#rare.delete(row);
      return;
    }
    this.#rareSize += LEAST_RARE + sizeOf(facts);
    if (this.#rareSize > MAX_RARE) {
      const message = `the xattrs and targets of files with several names take more than ${formatSize(MAX_RARE)}`;
      throw new DimgxError('DIMGX_LIMIT_NAMES', message);
    }
    const { target } = facts;
    this.#rare.set(row, { ...facts, target: target && detachedBytes(target), xattrs: detachedXattrs(xattrs) });
  }

  #grow(): void {
    this.#slots = new Int32Array(2 * this.#slots.length).fill(NONE);
    for (let row = 0; row < this.#high.length; row++) this.#enter(row);
  }

  #enter(row: number): void {
    const mask = this.#slots.length - 1;
    let slot = this.#high.get(row) & mask;
    while (this.#slots[slot] !== NONE) slot = (slot + 1) & mask;
    this.#slots[slot] = row;
  }
}

function digestOf(path: Uint8Array): Buffer {
  return hash('sha256', path, 'buffer');
}

function sizeOf({ target, xattrs }: FileFacts): number {
  return [...xattrs].reduce((sum, [name, value]) => sum + name.length + value.length, target?.length ?? 0);
}
