import type { EntryTable } from '../../layer/entry-table.js';
import { type IndexedLayer, plainRegion } from '../../layer/layer-index.js';
import type { PlanColumns } from '../../merge/plan.js';
import type { LayerRange } from './layer-reader.js';

/** An entry's need is a number: this bit, and how often its headers are read, in the other bits. */
const WHOLE = 1;
const ONE_READ = 2;

/** A range of a layer that the output needs. */
export interface NeededRange extends LayerRange {
  /** How often it is read. */
  readonly reads: number;
}

/** Which bytes of a layer the output needs. */
export class NeededEntries {
  readonly #entries: EntryTable;
  /** Length of the layer, in bytes. */
  readonly #layerLength: number;
  /** By entry; see `WHOLE`. */
  readonly #needs: Uint8Array;
  /** The first entry that does not end before the position of the last `between`. */
  #cursor = 0;

  constructor({ entries, bytes }: IndexedLayer) {
    this.#entries = entries;
    this.#layerLength = bytes.length;
    this.#needs = new Uint8Array(entries.length);
  }

  /** Call it once for each time that the headers are read. */
  needHeaders(entry: number): void {
    this.#needs[entry] = (this.#needs[entry] as number) + ONE_READ;
  }

  needWhole(entry: number): void {
    this.needHeaders(entry);
    this.#needs[entry] = (this.#needs[entry] as number) | WHOLE;
  }

  /** Whether the headers that begin at an offset are read more than once. */
  isReadAgain(at: number): boolean {
    const entry = this.#entries.firstFrom(at);
    return entry < this.#needs.length && this.#entries.start(entry) === at && this.#readsOf(entry) > 1;
  }

  /** Offset in the layer, in bytes, after the last byte that is needed; 0 if nothing is. */
  get end(): number {
    for (let entry = this.#needs.length - 1; entry >= 0; entry--) {
      if (this.#needs[entry] !== 0) return this.#endOf(entry);
    }
    return 0;
  }

  /** Total length of what is needed, in bytes. */
  get length(): number {
    let length = 0;
    for (const [entry, needs] of this.#needs.entries()) {
      if (needs !== 0) length += this.#endOf(entry) - this.#entries.start(entry);
    }
    return length;
  }

  /**
   * The needed parts of a range, in order. Neighbours are joined, except headers that are read more than once. Each
   * range must begin where the last one ended.
   */
  *between(from: number, to: number): Generator<NeededRange, void, void> {
    const { length } = this.#needs;
    while (this.#cursor < length && this.#entries.end(this.#cursor) <= from) this.#cursor++;
    let start = -1;
    let end = -1;
    for (let entry = this.#cursor; entry < length && this.#entries.start(entry) < to; entry++) {
      const needs = this.#needs[entry] as number;
      if (needs === 0) continue;
      const entryStart = this.#entries.start(entry);
      const reads = this.#readsOf(entry);
      const body = reads > 1 ? this.#entries.dataOffset(entry) : entryStart;
      if (start >= 0 && (reads > 1 || body > end)) {
        yield { from: start, to: Math.min(to, end), reads: 1 };
        start = -1;
      }
      if (reads > 1 && body > from) yield { from: Math.max(from, entryStart), to: Math.min(to, body), reads };
      if (start < 0) start = Math.max(from, body);
      end = this.#endOf(entry);
      if (end <= start) start = -1;
    }
    if (start >= 0 && start < to) yield { from: start, to: Math.min(to, end), reads: 1 };
  }

  #readsOf(entry: number): number {
    return (this.#needs[entry] as number) >>> 1;
  }

  #endOf(entry: number): number {
    const isWhole = ((this.#needs[entry] as number) & WHOLE) !== 0;
    return Math.min(this.#layerLength, isWhole ? this.#entries.end(entry) : this.#entries.dataOffset(entry));
  }
}

/** What the output needs of each layer of a plan. */
export function neededEntries(plan: PlanColumns): readonly NeededEntries[] {
  const needed = plan.layers.map((layer) => new NeededEntries(layer));
  const { changes } = plan;
  for (let item = 0; item < plan.length; item++) {
    const entry = plan.entry[item] as number;
    const layer = needed[plan.layer[item] as number] as NeededEntries;
    if (entry < 0) continue;
    if (changes.isLink(item)) layer.needHeaders(entry);
    else layer.needWhole(entry);
    for (const ref of changes.xattrsOf(item)) needed[ref.layer]?.needHeaders(ref.entry);
  }
  return needed;
}

/**
 * How many bytes of the layers that are decoded the output needs after bytes that lie behind them, in bytes.
 *
 * @param counts whether a layer counts
 */
export function bytesOutOfOrder(plan: PlanColumns, counts: (layer: number) => boolean): number {
  const { layers, length, layer, entry, changes } = plan;
  const reached = new Float64Array(layers.length);
  let sum = 0;
  for (let item = 0; item < length; item++) {
    const at = layer[item] as number;
    const { entries, bytes } = layers[at] as IndexedLayer;
    const number = entry[item] as number;
    if (number < 0 || plainRegion(bytes) || !counts(at)) continue;
    const start = entries.start(number);
    const end = changes.isLink(item) ? entries.dataOffset(number) : entries.end(number);
    if (start < (reached[at] as number)) sum += end - start;
    else reached[at] = end;
  }
  return sum;
}
