import { type ReadAt, type Region, readRegion, scatterRegion } from '../base/io/region.js';
import type { LayerPart, LayerRange, LayerReader } from './layer-reader.js';

/** Largest and smallest size of a window over headers, in bytes. */
const LARGEST = 256 * 1024;
const SMALLEST = 4 * 1024;

/** A gap of unused bytes between two parts, up to this size in bytes, is read and dropped: cheaper than two reads. */
export const GAP = 32 * 1024;
const NOWHERE = new Uint8Array(GAP);

/** Reads a layer that is stored uncompressed, by position. */
export class RegionReader implements LayerReader {
  readonly #scatter: ReturnType<typeof scatterRegion>;
  readonly #headers: HeaderWindow;

  constructor(region: Region) {
    this.#scatter = scatterRegion(region);
    this.#headers = new HeaderWindow(region);
  }

  /** Makes one read of all parts. The gaps between them, at most `GAP` long, are read to nowhere. */
  read(parts: readonly LayerPart[]): Promise<void> {
    const views: Uint8Array[] = [];
    const start = parts[0]?.from ?? 0;
    let end = start;
    for (const { from, into } of parts) {
      if (from > end) views.push(NOWHERE.subarray(0, from - end));
      views.push(into);
      end = from + into.length;
    }
    return this.#scatter(views, start);
  }

  readHeaders({ from, to }: LayerRange): Promise<Uint8Array> {
    return this.#headers.read(from, to);
  }

  async close(): Promise<void> {}
}

/**
 * Reads individual headers of a region. Nearby headers are served from one window of bytes. The window grows while
 * headers follow one another and stays small where they are far apart, so that a single header does not cost a whole
 * window.
 */
class HeaderWindow {
  readonly #read: ReadAt;
  readonly #length: number;
  #bytes = new Uint8Array(0);
  #position = 0;
  #size = SMALLEST;

  constructor(region: Region) {
    this.#read = readRegion(region);
    this.#length = region.length;
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
    this.#bytes = new Uint8Array(length);
    this.#position = start;
    await this.#read(this.#bytes, start);
  }
}
