import { type ReadAt, type Region, readRegion, scatterRegion } from '../../base/io/region.js';
import type { LayerPart, LayerRange, LayerReader } from './layer-reader.js';

/** Largest and smallest size of a window, in bytes. */
const LARGEST = 256 * 1024;
const SMALLEST = 4 * 1024;

/** A gap of unused bytes between two parts, up to this size in bytes, is read and dropped: cheaper than two reads. */
export const GAP = 32 * 1024;
const NOWHERE = new Uint8Array(GAP);

/** Length of a span of parts, in bytes, up to which a window over it and what follows is cheaper than its own read. */
const SHORT = 16 * 1024;

/** Reads a layer that is stored uncompressed, by position. */
export class RegionReader implements LayerReader {
  readonly #scatter: ReturnType<typeof scatterRegion>;
  readonly #headers: RegionWindow;
  /** Short spans: where layers interleave, each has a few files in turn. */
  readonly #spans: RegionWindow;

  constructor(region: Region) {
    this.#scatter = scatterRegion(region);
    this.#headers = new RegionWindow(region);
    this.#spans = new RegionWindow(region);
  }

  /** Makes one read of all parts. The gaps between them, at most `GAP` long, are read to nowhere. */
  read(parts: readonly LayerPart[]): Promise<void> | undefined {
    const first = parts[0];
    const last = parts.at(-1);
    if (!first || !last) return undefined;
    const end = last.from + last.into.length;
    return end - first.from <= SHORT ? this.#copy(parts, { from: first.from, to: end }) : this.#readSpan(parts);
  }

  async readHeaders({ from, to }: LayerRange): Promise<Uint8Array> {
    return (await this.#windowFor(from, to, this.#headers).read(from, to)).slice();
  }

  async close(): Promise<void> {}

  #copy(parts: readonly LayerPart[], { from, to }: LayerRange): Promise<void> | undefined {
    const bytes = this.#windowFor(from, to, this.#spans).read(from, to);
    if (!(bytes instanceof Promise)) return copyParts(bytes, from, parts);
    return bytes.then((read) => copyParts(read, from, parts));
  }

  /** Where all headers are written anew, each header and the contents after it mostly lie in the same window. */
  #windowFor(from: number, to: number, usual: RegionWindow): RegionWindow {
    const other = usual === this.#spans ? this.#headers : this.#spans;
    return other.has(from, to) && !usual.has(from, to) ? other : usual;
  }

  #readSpan(parts: readonly LayerPart[]): Promise<void> {
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
}

/** @param start offset of the first byte in the layer */
function copyParts(bytes: Uint8Array, start: number, parts: readonly LayerPart[]): undefined {
  for (const { from, into } of parts) into.set(bytes.subarray(from - start, from - start + into.length));
}

/**
 * Serves short reads of a region from one window of bytes. The window grows while reads follow one another and stays
 * small where they are far apart, so that a single read does not cost a whole window.
 */
class RegionWindow {
  readonly #read: ReadAt;
  readonly #length: number;
  #start = 0;
  #end = 0;
  /** The window, or what it is read with. */
  #bytes: Uint8Array | Promise<Uint8Array> = new Uint8Array(0);
  #size = SMALLEST;

  constructor(region: Region) {
    this.#read = readRegion(region);
    this.#length = region.length;
  }

  has(from: number, to: number): boolean {
    return from >= this.#start && to <= this.#end;
  }

  /** The bytes from `from` to `to`: a view, at once if the window has them. Several reads may be under way. */
  read(from: number, to: number): Uint8Array | Promise<Uint8Array> {
    if (from < this.#start || to > this.#end) this.#move(from, to);
    const start = this.#start;
    if (!(this.#bytes instanceof Promise)) return this.#bytes.subarray(from - start, to - start);
    return this.#bytes.then((bytes) => bytes.subarray(from - start, to - start));
  }

  #move(from: number, to: number): void {
    const behind = from - this.#end;
    this.#size = behind <= this.#size && from >= this.#start ? Math.min(LARGEST, 4 * this.#size) : SMALLEST;
    const bytes = new Uint8Array(Math.max(to - from, Math.min(this.#size, this.#length - from)));
    this.#start = from;
    this.#end = from + bytes.length;
    const reading = Promise.resolve(this.#read(bytes, from)).then(() => {
      if (this.#bytes === reading) this.#bytes = bytes;
      return bytes;
    });
    this.#bytes = reading;
  }
}
