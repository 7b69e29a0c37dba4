import type { ByteName } from '../../base/io/open-folder.js';
import { formatSize } from '../../base/limits.js';
import { DimgxError } from '../../errors.js';

/** In bytes. */
const MAX_PATHS = 2 ** 29;

/**
 * Paths with a digest each, packed: a row takes 9 bytes beside them. Rows are added first, then sorted, then looked up
 * by path. No hash table is used, because whoever makes a bag chooses the paths.
 */
export class PathTable {
  readonly #digestLength: number;
  readonly #maxPaths: number;
  #paths = Buffer.alloc(4096);
  #digests: Buffer;
  /** Where the path of each row ends. */
  #ends = new Uint32Array(64);
  /** Rows in the order of the bytes of their paths. */
  #sorted = new Uint32Array(0);
  #seen = new Uint8Array(0);
  #length = 0;

  /** @param digestLength in bytes @param maxPaths maximum total length of the paths, in bytes */
  constructor(digestLength: number, maxPaths = MAX_PATHS) {
    this.#digestLength = digestLength;
    this.#maxPaths = maxPaths;
    this.#digests = Buffer.alloc(64 * digestLength);
  }

  get length(): number {
    return this.#length;
  }

  /** @param digest in hex @throws DIMGX_LIMIT_NAMES */
  add(path: ByteName, digest: string): void {
    const row = this.#length++;
    const start = this.#start(row);
    const end = start + path.length;
    if (end > this.#maxPaths) {
      const message = `the paths in a manifest of the bag take more than ${formatSize(this.#maxPaths)}`;
      throw new DimgxError('DIMGX_LIMIT_NAMES', message);
    }
    if (end > this.#paths.length) this.#paths = grown(this.#paths, end);
    if (row === this.#ends.length) {
      const ends = new Uint32Array(2 * row);
      ends.set(this.#ends);
      this.#ends = ends;
      this.#digests = grown(this.#digests, 2 * row * this.#digestLength);
    }
    this.#paths.write(path, start, 'latin1');
    this.#ends[row] = end;
    this.#digests.write(digest, row * this.#digestLength, 'hex');
  }

  /** Sorts the rows. Paths can be looked up from now on. @returns a path that two rows have, if there is one */
  sort(): ByteName | undefined {
    this.#sorted = Uint32Array.from({ length: this.#length }, (_, row) => row);
    this.#seen = new Uint8Array(this.#length);
    const compare = (a: number, b: number) => this.#compare(a, b);
    if (!this.#isSorted()) this.#sorted.sort(compare);
    for (let at = 1; at < this.#length; at++) {
      const row = this.#sorted[at] as number;
      if (compare(this.#sorted[at - 1] as number, row) === 0) return this.path(row);
    }
    return undefined;
  }

  /** @returns the row of a path, or -1 */
  find(path: ByteName): number {
    const bytes = Buffer.from(path, 'latin1');
    let [low, high] = [0, this.#length - 1];
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const row = this.#sorted[middle] as number;
      const order = bytes.compare(this.#paths, this.#start(row), this.#ends[row]);
      if (order === 0) return row;
      if (order < 0) high = middle - 1;
      else low = middle + 1;
    }
    return -1;
  }

  path(row: number): ByteName {
    return this.#paths.toString('latin1', this.#start(row), this.#ends[row]);
  }

  digest(row: number): Buffer {
    return this.#digests.subarray(row * this.#digestLength, (row + 1) * this.#digestLength);
  }

  /** Marks a row, whose file was found. */
  see(row: number): void {
    this.#seen[row] = 1;
  }

  /** The paths of the rows that were never marked, in the order of their bytes. */
  *unseen(): Generator<ByteName, void, void> {
    for (const row of this.#sorted) if (this.#seen[row] === 0) yield this.path(row);
  }

  #start(row: number): number {
    return row === 0 ? 0 : (this.#ends[row - 1] as number);
  }

  #compare(a: number, b: number): number {
    return this.#paths.compare(this.#paths, this.#start(b), this.#ends[b], this.#start(a), this.#ends[a]);
  }

  /** Most tools write manifests in order. */
  #isSorted(): boolean {
    for (let row = 1; row < this.#length; row++) if (this.#compare(row - 1, row) > 0) return false;
    return true;
  }
}

function grown(bytes: Buffer, needed: number): Buffer<ArrayBuffer> {
  const larger = Buffer.alloc(Math.max(needed, 2 * bytes.length));
  bytes.copy(larger);
  return larger;
}
