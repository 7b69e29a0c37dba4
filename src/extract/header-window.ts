import { type ReadAt, readRegion } from '../base/io/region.js';
import type { FillLevel } from '../layer/fill-level.js';
import type { IndexedLayer } from '../layer/layer-index.js';

const LARGEST = 256 * 1024;
const SMALLEST = 4 * 1024;

/**
 * Reads individual headers of a region. Nearby headers are served from one window of bytes. The window grows while
 * headers follow one another and stays small where they are far apart, so that a single header does not cost a whole
 * window.
 */
export class HeaderWindow {
  readonly #read: ReadAt;
  readonly #length: number;
  readonly #filled: FillLevel;
  #bytes = new Uint8Array(0);
  #position = 0;
  #size = SMALLEST;

  constructor({ region, filled }: Pick<IndexedLayer, 'region' | 'filled'>) {
    this.#read = readRegion(region);
    this.#length = region.length;
    this.#filled = filled;
  }

  /** A copy of the bytes from `start` to `end`. */
  async read(start: number, end: number): Promise<Uint8Array> {
    if (start < this.#position || end > this.#position + this.#bytes.length) await this.#move(start, end);
    return Uint8Array.prototype.slice.call(this.#bytes, start - this.#position, end - this.#position);
  }

  async #move(start: number, end: number): Promise<void> {
    const behind = start - this.#position - this.#bytes.length;
    this.#size = behind >= 0 && behind <= this.#size ? Math.min(LARGEST, 4 * this.#size) : SMALLEST;
    const length = Math.max(end - start, Math.min(this.#size, this.#length - start));
    await this.#filled.until(start + length);
    this.#bytes = new Uint8Array(length);
    this.#position = start;
    await this.#read(this.#bytes, start);
  }
}
