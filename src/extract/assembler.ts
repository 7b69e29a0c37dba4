import { throwIfAborted } from '../errors.js';
import type { LayerIndex } from '../inspect/layer-index.js';
import type { HeaderChange, Plan } from '../merge/plan.js';
import { readRegion } from '../source/read-region.js';
import { BLOCK } from '../tar/block.js';
import { directoryHeader, rewriteHeader } from '../tar/rewrite.js';
import type { ReadAt } from '../tar/scan.js';
import { HeaderWindow } from './header-window.js';
import { type Piece, piecesOf } from './pieces.js';

/** Hidden bytes between two pieces up to this many are read and dropped: cheaper than another read. */
const GAP = 32 * 1024;

const DOT_SLASH = Buffer.from('./');
const END_MARK = new Uint8Array(2 * BLOCK);

/**
 * Puts the output together into buffers that the caller owns. The end mark is given out only when all layers have been
 * verified, so that an output which nobody should trust does not look whole.
 */
export class TarAssembler {
  readonly #plan: Plan;
  readonly #readers: readonly ReadAt[];
  readonly #windows: readonly HeaderWindow[];
  readonly #pieces: Generator<Piece, void, void>;
  readonly #signal: AbortSignal | undefined;
  #next: Piece | undefined;
  /** Bytes made, not yet given out. */
  #made: Uint8Array = new Uint8Array(0);
  #ended = false;

  /** @param onItem is told of each item of the plan as it is taken up */
  constructor(
    plan: Plan,
    options: { signal?: AbortSignal | undefined; onItem?: ((item: number) => void) | undefined } = {},
  ) {
    this.#plan = plan;
    this.#signal = options.signal;
    this.#readers = plan.layers.map(({ region }) => readRegion(region));
    this.#windows = plan.layers.map(({ region }) => new HeaderWindow(region));
    this.#pieces = piecesOf(plan, options.onItem);
    this.#advance();
  }

  /**
   * Fills a buffer with the next bytes of the tar. One call at a time.
   *
   * @returns how many bytes; fewer than the buffer holds only before the end mark or at the end; 0 at the end
   * @throws DIMGX_EXTRACT_CHANGED, DIMGX_SOURCE_UNREADABLE, DIMGX_ABORTED, and what `LayerIndex.verified` rejects with
   */
  async fill(buffer: Uint8Array): Promise<number> {
    let filled = 0;
    while (filled < buffer.length) {
      throwIfAborted(this.#signal);
      if (this.#made.length > 0) {
        const part = this.#made.subarray(0, buffer.length - filled);
        buffer.set(part, filled);
        this.#made = this.#made.subarray(part.length);
        filled += part.length;
      } else if (this.#next?.kind === 'header') {
        this.#made = await this.#makeHeader(this.#next.item);
        this.#advance();
      } else if (this.#next) {
        filled += await this.#readSpan(buffer.subarray(filled));
      } else if (filled > 0 || this.#ended) {
        break;
      } else {
        await Promise.all(this.#plan.layers.map(({ verified }) => verified));
        this.#made = END_MARK;
        this.#ended = true;
      }
    }
    return filled;
  }

  #advance(): void {
    const { value, done } = this.#pieces.next();
    this.#next = done ? undefined : (value as Piece);
  }

  async #makeHeader(item: number): Promise<Uint8Array> {
    const change = this.#plan.changes.get(item) as HeaderChange;
    const entry = this.#plan.entry[item] as number;
    const path = this.#written(change.path);
    if (entry < 0) return directoryHeader(path);
    const layer = this.#plan.layer[item] as number;
    const { entries } = this.#plan.layers[layer] as LayerIndex;
    const window = this.#windows[layer] as HeaderWindow;
    const raw = await window.read(entries.start(entry), entries.dataOffset(entry));
    return rewriteHeader(raw, { ...change, path, ...(change.link && { link: this.#written(change.link) }) });
  }

  #written(path: Uint8Array): Uint8Array {
    return this.#plan.dotted && path.length > 0 ? Buffer.concat([DOT_SLASH, path]) : path;
  }

  /** Reads as many pieces of one layer as lie close together in one go, and closes the gaps between them. */
  async #readSpan(room: Uint8Array): Promise<number> {
    const first = this.#next as Piece & { kind: 'bytes' };
    const { layer, from } = first;
    const kept: number[] = [];
    let end = from;
    for (let piece: Piece | undefined = first; piece?.kind === 'bytes' && piece.layer === layer; piece = this.#next) {
      const gap = piece.from - end;
      if (gap < 0 || gap > GAP || piece.from - from >= room.length) break;
      end = Math.min(piece.to, from + room.length);
      kept.push(piece.from - from, end - from);
      if (end < piece.to) {
        this.#next = { ...piece, from: end };
        break;
      }
      this.#advance();
    }
    await this.#readPadded(layer, room.subarray(0, end - from), from);
    let filled = 0;
    for (let i = 0; i < kept.length; i += 2) {
      const [start, stop] = [kept[i] as number, kept[i + 1] as number];
      if (start !== filled) room.copyWithin(filled, start, stop);
      filled += stop - start;
    }
    return filled;
  }

  /** The last padding of a layer may be missing. */
  async #readPadded(layer: number, into: Uint8Array, position: number): Promise<void> {
    const { length } = (this.#plan.layers[layer] as LayerIndex).region;
    const there = Math.min(into.length, Math.max(0, length - position));
    into.fill(0, there);
    await (this.#readers[layer] as ReadAt)(into.subarray(0, there), position);
  }
}
