import { handledLater } from '../base/call/deferred.js';
import { onAbort } from '../base/call/on-abort.js';
import { MAX_PIECES, requireUnchanged } from '../base/io/region.js';
import { DimgxError, throwIfAborted } from '../errors.js';
import type { IndexedLayer } from '../layer/layer-index.js';
import type { HeaderChange, PlanColumns } from '../merge/plan.js';
import { BLOCK } from '../tar/header.js';
import { MAX_EXTENSION, type PaxRecord } from '../tar/pax.js';
import { directoryHeader, rewriteHeader, xattrRecords } from '../tar/rewrite.js';
import { type SparseLayout, sparseLayout } from '../tar/sparse-layout.js';
import { OwnerNames } from './owner-names.js';
import { type Piece, piecesOf, sparseContents } from './pieces.js';
import type { LayerPart, LayerReader } from './read/layer-reader.js';
import { openReaders, type ReaderOptions, type Readers } from './read/open-readers.js';
import { GAP } from './read/region-reader.js';

/** Maximum size of one read, in bytes: several reads run in parallel, each in its own thread. */
const READ_SIZE = 512 * 1024;

const DOT_SLASH = Buffer.from('./');

const END_MARK = new Uint8Array(2 * BLOCK);

/** @param headers all header blocks of an entry, as they are in its layer */
type OnRewrite = (item: number, headers: Uint8Array) => void;

/** Fills buffers with a tar. */
export interface TarFiller extends Pick<TarAssembler, 'onClose' | 'close'> {
  /**
   * As `TarAssembler.fill`.
   *
   * @param staysIntact the bytes stay as they are until the next call has resolved, so that they can be looked at while the
   *   next ones are read
   */
  fill(buffer: Uint8Array, staysIntact?: boolean): Promise<number>;
}

/**
 * Assembles the output into buffers that the caller owns. The end mark is written only once all layers are verified and
 * their files are known to be unmodified, so that output which must not be trusted does not look complete.
 */
export class TarAssembler {
  readonly #plan: PlanColumns;
  readonly #options: ReaderOptions;
  /** Opened with the first `fill`. */
  #readers: Readers | undefined;
  readonly #pieces: Generator<Piece, void, void>;
  readonly #ownerNames: OwnerNames;
  readonly #signal: AbortSignal | undefined;
  readonly #onRewrite: OnRewrite | undefined;
  /** Remaining contents of the current sparse file. */
  #contents: Iterator<Piece, void, void> | undefined;
  #next: Piece | undefined;
  /** Bytes ready to be copied into the caller's buffer. */
  #made: Uint8Array = new Uint8Array(0);
  #ended = false;

  /**
   * @param onItem called with each item of the plan when work on it starts
   * @param onRewrite called with the stored headers of each item whose headers are written anew
   */
  constructor(
    plan: PlanColumns,
    options: ReaderOptions & {
      readonly signal?: AbortSignal | undefined;
      readonly onItem?: ((item: number) => void) | undefined;
      readonly onRewrite?: OnRewrite | undefined;
    } = {},
  ) {
    this.#plan = plan;
    this.#signal = options.signal;
    this.#onRewrite = options.onRewrite;
    this.#options = options;
    this.#ownerNames = new OwnerNames(plan.layers);
    this.#pieces = piecesOf(plan, options.onItem);
    this.#advance();
  }

  /**
   * Calls a function when a file of the layers may no longer be read.
   *
   * @returns removes the listener
   */
  onClose(listener: () => void): () => void {
    const files = new Set(this.#plan.layers.map(({ bytes }) => bytes.stored.file));
    const takers = [...files].map((file) => file.onSeal(listener));
    return () => {
      for (const take of takers) take();
    };
  }

  /**
   * Fills a buffer with the next bytes of the tar. Only one call may run at a time.
   *
   * @param buffer as long as whole blocks, so that no header is in two buffers
   * @returns number of bytes; less than the buffer's length only before the end mark or at the end; 0 at the end
   * @throws DIMGX_SOURCE_CHANGED, DIMGX_SOURCE_UNREADABLE, DIMGX_ABORTED, and what `LayerIndex.verified` rejects with
   */
  async fill(buffer: Uint8Array): Promise<number> {
    const reads: Promise<void>[] = [];
    // A read may have to decode gigabytes first.
    const stopListening = this.#signal && onAbort(this.#signal, () => void this.close());
    try {
      return await this.#fill(buffer, reads);
    } catch (failure) {
      // Headers that could be read before: the layer may have become another one.
      if (failure instanceof DimgxError && failure.code.startsWith('DIMGX_TAR_')) await this.#requireVerified();
      throw failure;
    } finally {
      await Promise.allSettled(reads);
      stopListening?.();
      throwIfAborted(this.#signal);
    }
  }

  /** Ends decoding, and releases temporary files. Call it when no `fill` will follow; one under way rejects. */
  async close(): Promise<void> {
    await this.#readers?.close();
  }

  /** Starts reads while filling, so that those of several pieces run at once, and awaits them at the end. */
  async #fill(buffer: Uint8Array, reads: Promise<void>[]): Promise<number> {
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
      } else if (this.#next?.kind === 'sparse') {
        this.#made = await this.#makeSparse(this.#next.item);
        this.#advance();
      } else if (this.#next?.kind === 'made') {
        this.#made = this.#next.bytes;
        this.#advance();
      } else if (this.#next?.kind === 'zeros') {
        this.#made = new Uint8Array(this.#next.length);
        this.#advance();
      } else if (this.#next) {
        filled += this.#startSpan(buffer.subarray(filled, filled + READ_SIZE), reads);
      } else if (filled > 0 || this.#ended) {
        break;
      } else {
        await this.#requireVerified();
        this.#made = END_MARK;
        this.#ended = true;
      }
    }
    await Promise.all(reads);
    this.#ownerNames.clear(buffer);
    return filled;
  }

  /** @throws DIMGX_SOURCE_CHANGED, and what `LayerIndex.verified` rejects with */
  async #requireVerified(): Promise<void> {
    await Promise.all(this.#plan.layers.map(({ verified }) => verified));
    await requireUnchanged(this.#plan.layers.map(({ bytes }) => bytes.stored));
  }

  #reader(layer: number): LayerReader {
    this.#readers ??= openReaders(this.#plan, this.#options);
    return this.#readers.of[layer] as LayerReader;
  }

  #advance(): void {
    const content = this.#contents?.next();
    if (content?.done) this.#contents = undefined;
    const { value, done } = content && !content.done ? content : this.#pieces.next();
    this.#next = done ? undefined : (value as Piece);
  }

  async #makeHeader(item: number, sparse?: SparseLayout, known?: Uint8Array): Promise<Uint8Array> {
    const change = this.#plan.changes.get(item) as HeaderChange;
    const entry = this.#plan.entry[item] as number;
    const path = this.#written(change.path);
    if (entry < 0) return directoryHeader(path);
    const xattrs = change.xattrsOf && (await this.#readXattrs(change.xattrsOf));
    const layer = this.#plan.layer[item] as number;
    const raw = known ?? (await this.#readHeaders(layer, entry));
    this.#onRewrite?.(item, raw);
    const { forWindows } = this.#plan.layers[layer] as IndexedLayer;
    const link = change.link && this.#written(change.link);
    const parts = { ...(link && { link }), ...(xattrs && { xattrs }), ...(sparse && { sparse }) };
    return rewriteHeader(raw, { ...change, path, forWindows, ...parts });
  }

  /** Sorted by key, whatever the order of the links. If several records have the same key, the last one wins. */
  async #readXattrs(refs: NonNullable<HeaderChange['xattrsOf']>): Promise<readonly PaxRecord[]> {
    const records = new Map<string, PaxRecord>();
    let size = 0;
    for (const { layer, entry } of refs) {
      for (const record of xattrRecords(await this.#readHeaders(layer, entry))) {
        size += record.raw.length - (records.get(record.key)?.raw.length ?? 0);
        records.set(record.key, record);
      }
      if (size > MAX_EXTENSION) throw tooManyXattrs();
    }
    return [...records.values()].sort((one, other) => (one.key < other.key ? -1 : 1));
  }

  /** All header blocks of an entry. */
  #readHeaders(layer: number, entry: number): Promise<Uint8Array> {
    const { entries } = this.#plan.layers[layer] as IndexedLayer;
    return this.#reader(layer).readHeaders({ from: entries.start(entry), to: entries.dataOffset(entry) });
  }

  /** The header of a sparse file and its map. The contents become the next pieces. */
  async #makeSparse(item: number): Promise<Uint8Array> {
    const layer = this.#plan.layer[item] as number;
    const entry = this.#plan.entry[item] as number;
    const { entries, bytes } = this.#plan.layers[layer] as IndexedLayer;
    const start = entries.start(entry);
    const end = Math.min(entries.end(entry), bytes.length);
    let known: Uint8Array = new Uint8Array(0);
    let layout: SparseLayout | 'more' = 'more';
    for (let to = entries.dataOffset(entry); layout === 'more'; to = Math.min(end, start + 2 * (to - start) + BLOCK)) {
      const more = await this.#reader(layer).readHeaders({ from: start + known.length, to });
      known = Buffer.concat([known, more]);
      layout = sparseLayout(known);
    }
    this.#contents = sparseContents(layout, layer, start, known);
    const headers = known.subarray(0, entries.dataOffset(entry) - start);
    return Buffer.concat([await this.#makeHeader(item, layout, headers), layout.head]);
  }

  #written(path: Uint8Array): Uint8Array {
    return this.#plan.dotted && path.length > 0 ? Buffer.concat([DOT_SLASH, path]) : path;
  }

  /**
   * Starts one read for as many pieces of a layer as lie close together.
   *
   * @returns number of bytes of the room that will be filled
   */
  #startSpan(room: Uint8Array, reads: Promise<void>[]): number {
    const { layer, from } = this.#next as Extract<Piece, { kind: 'bytes' }>;
    const { length } = (this.#plan.layers[layer] as IndexedLayer).bytes;
    const parts: LayerPart[] = [];
    let filled = 0;
    let end = from;
    for (let piece = this.#next; piece?.kind === 'bytes' && piece.layer === layer; piece = this.#next) {
      const gap = piece.from - end;
      if (gap < 0 || gap > GAP || filled === room.length || 2 * parts.length + 2 > MAX_PIECES) break;
      end = Math.min(piece.to, piece.from + room.length - filled);
      const view = room.subarray(filled, filled + end - piece.from);
      filled += view.length;
      this.#ownerNames.note(layer, piece.from, view);
      // The last padding of a layer may be missing.
      const there = Math.max(0, Math.min(view.length, length - piece.from));
      view.fill(0, there);
      parts.push({ from: piece.from, into: view.subarray(0, there) });
      if (end < piece.to) {
        this.#next = { ...piece, from: end };
        break;
      }
      this.#advance();
    }
    // `fill` awaits the reads all at once, which may be much later
    const reading = this.#reader(layer).read(parts);
    if (reading) reads.push(handledLater(reading));
    return filled;
  }
}

function tooManyXattrs(): DimgxError {
  return new DimgxError('DIMGX_TAR_BAD_PAX', `the xattrs of a file's hard links take over ${MAX_EXTENSION} bytes`);
}
