import { Column } from '../../merge/node.js';
import { pathHash } from './path-hash.js';

/** Which names in a tar each inode has, in the order of the tar. Takes 16 bytes a name. */
export class InodeNames {
  readonly #inode = new Column(1024);
  readonly #nlink = new Column(1024);
  readonly #hash = new Column(1024);
  /** Names by their inodes. */
  #sorted = new Int32Array(0);

  get length(): number {
    return this.#inode.length;
  }

  /** @param nlink how many names the inode should have */
  add(inode: number, nlink: number, path: Uint8Array): void {
    this.#inode.push(inode);
    this.#nlink.push(nlink);
    this.#hash.push(pathHash(path));
  }

  /** Call it once all names are there. Names can be looked up from now on. */
  sort(): void {
    const inode = this.#inode.toArray();
    this.#sorted = Int32Array.from(inode.keys());
    const isSorted = inode.every((number, name) => name === 0 || (inode[name - 1] as number) <= number);
    if (!isSorted) this.#sorted.sort((a, b) => (inode[a] as number) - (inode[b] as number) || a - b);
  }

  /** Number of the names of an inode. */
  count(inode: number): number {
    return this.#start(inode + 1) - this.#start(inode);
  }

  /** The first name of an inode that has more or fewer names than it should, counted from 0; -1 if there is none. */
  miscounted(): number {
    let first = -1;
    for (let start = 0, end = 0; start < this.#sorted.length; start = end) {
      const inode = this.#inode.get(this.#sorted[start] as number);
      while (end < this.#sorted.length && this.#inode.get(this.#sorted[end] as number) === inode) end++;
      for (const name of this.#sorted.subarray(start, end)) {
        if (this.#nlink.get(name) !== end - start && (first < 0 || name < first)) first = name;
      }
    }
    return first;
  }

  /** Whether these are the first names of an inode. */
  begins(inode: number, paths: readonly Uint8Array[]): boolean {
    const start = this.#start(inode);
    return (
      paths.length <= this.count(inode) &&
      paths.every((path, i) => this.#hash.get(this.#sorted[start + i] as number) === pathHash(path))
    );
  }

  /** The first place of an inode that is not smaller. */
  #start(inode: number): number {
    let [low, high] = [0, this.#sorted.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#inode.get(this.#sorted[middle] as number) < inode) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
