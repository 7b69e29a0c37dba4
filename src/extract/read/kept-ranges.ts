import type { NeededRange } from './needed-entries.js';
import type { ReorderBuffer } from './reorder-buffer.js';

/** The ranges of one layer that are in a reorder buffer. They are saved in ascending order, and read in any. */
export class KeptRanges {
  readonly #buffer: ReorderBuffer;
  /** Columns: a shuffled layer of a million entries has as many ranges. */
  #from = new Float64Array(16);
  #to = new Float64Array(16);
  #kept = new Float64Array(16);
  /** Bytes that will still be read; those that are read several times count as often. */
  #unread = new Float64Array(16);
  #length = 0;

  constructor(buffer: ReorderBuffer) {
    this.#buffer = buffer;
  }

  /** @param bytes the bytes of the range; copied */
  async save({ from, to, reads }: NeededRange, bytes: Buffer): Promise<void> {
    if (this.#length === this.#from.length) this.#grow();
    const saved = this.#buffer.save(bytes);
    const i = this.#length++;
    this.#from[i] = from;
    this.#to[i] = to;
    this.#unread[i] = reads * (to - from);
    this.#kept[i] = typeof saved === 'number' ? saved : await saved;
  }

  /**
   * Reads from an offset of the layer up to the end of the range that it lies in.
   *
   * @returns number of bytes read
   */
  async read(at: number, into: Uint8Array): Promise<number> {
    const i = this.#find(at);
    const from = this.#from[i] as number;
    const to = this.#to[i] as number;
    const kept = this.#kept[i] as number;
    const part = into.subarray(0, to - at);
    await this.#buffer.read(kept, at - from, part);
    this.#unread[i] = (this.#unread[i] as number) - part.length;
    if (this.#unread[i] === 0) this.#buffer.drop(kept, to - from);
    return part.length;
  }

  /** The last range that begins at or before an offset. */
  #find(at: number): number {
    let low = 0;
    let high = this.#length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((this.#from[middle] as number) <= at) low = middle;
      else high = middle;
    }
    if (this.#length === 0 || at < (this.#from[low] as number) || at >= (this.#to[low] as number)) {
      throw new Error(`the byte at ${at} of a layer was not kept`);
    }
    return low;
  }

  #grow(): void {
    const longer = (column: Float64Array<ArrayBuffer>) => {
      const copy = new Float64Array(2 * column.length);
      copy.set(column);
      return copy;
    };
    this.#from = longer(this.#from);
    this.#to = longer(this.#to);
    this.#kept = longer(this.#kept);
    this.#unread = longer(this.#unread);
  }
}
