import { handledLater } from '../../base/call/deferred.js';
import { sourceEnded } from '../../base/io/region.js';
import { freeMemory } from '../../compression/decode-into.js';
import { DimgxError } from '../../errors.js';
import type { IndexedLayer } from '../../layer/layer-index.js';
import type { DecodedPieces } from './decoded-pieces.js';
import { KeptRanges } from './kept-ranges.js';
import type { LayerPart, LayerRange, LayerReader } from './layer-reader.js';
import type { NeededEntries } from './needed-entries.js';
import type { ReorderBuffer } from './reorder-buffer.js';

const NOTHING = Buffer.alloc(0);

/**
 * Reads a compressed layer as a stream. Bytes that the output takes in the order of the layer are copied as they come.
 * Where it skips bytes that it needs later, these go into the reorder buffer.
 */
export class DecodedReader implements LayerReader {
  readonly #layer: IndexedLayer;
  readonly #needed: NeededEntries;
  readonly #pieces: DecodedPieces;
  readonly #kept: KeptRanges;
  /** Offset after the last byte that is needed. */
  readonly #end: number;
  /** The current piece, and the offset of its first byte in the layer. */
  #piece: Buffer = NOTHING;
  #pieceStart = 0;
  /** Everything before has been read, kept or dropped. */
  #position = 0;
  /** Settles when the reads that were started have ended. Once one has failed, so do all that follow. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(layer: IndexedLayer, needed: NeededEntries, pieces: DecodedPieces, buffer: ReorderBuffer) {
    this.#layer = layer;
    this.#needed = needed;
    this.#pieces = pieces;
    this.#kept = new KeptRanges(buffer);
    this.#end = needed.end;
  }

  read(parts: readonly LayerPart[]): Promise<void> {
    return this.#inTurn(async () => {
      for (const { from, into } of parts) await this.#fill(from, into);
    });
  }

  readHeaders({ from, to }: LayerRange): Promise<Uint8Array> {
    return this.#inTurn(async () => {
      const bytes = new Uint8Array(to - from);
      if (this.#needed.isReadAgain(from)) await this.#skipTo(to);
      await this.#fill(from, bytes);
      return bytes;
    });
  }

  /** Decodes the whole layer and keeps what is needed, before the first read. Call it first. */
  keepAll(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#skipTo(this.#end);
      this.#stop();
    });
  }

  async close(): Promise<void> {
    await this.#pieces.close();
    await this.#last.catch(() => undefined);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = handledLater(this.#last.then(work));
    this.#last = done;
    return done;
  }

  async #fill(from: number, into: Uint8Array): Promise<void> {
    let done = 0;
    while (done < into.length) {
      const at = from + done;
      const rest = into.subarray(done);
      if (at < this.#position) {
        done += await this.#kept.read(at, rest);
      } else {
        await this.#skipTo(at);
        await this.#requirePiece();
        const part = this.#piece.subarray(at - this.#pieceStart).subarray(0, rest.length);
        rest.set(part);
        done += part.length;
        this.#position = at + part.length;
      }
    }
    if (this.#position >= this.#end) this.#stop();
  }

  /** Moves on to an offset. Keeps what is needed later. */
  async #skipTo(to: number): Promise<void> {
    while (this.#position < to) {
      await this.#requirePiece();
      const end = Math.min(to, this.#pieceStart + this.#piece.length);
      for (const range of this.#needed.between(this.#position, end)) {
        await this.#kept.save(range, this.#piece.subarray(range.from - this.#pieceStart, range.to - this.#pieceStart));
      }
      this.#position = end;
    }
  }

  /** Makes the current piece the one that has the byte at the current position. */
  async #requirePiece(): Promise<void> {
    while (this.#position >= this.#pieceStart + this.#piece.length) {
      this.#pieceStart += this.#piece.length;
      freeMemory(this.#piece);
      this.#piece = NOTHING;
      const next = this.#pieces.next().then((piece) => piece ?? sourceEnded());
      this.#piece = await next.catch((failure: unknown) => this.#refuse(failure));
    }
  }

  /** All that is needed has been read or kept: what follows in the layer is not decoded. */
  #stop(): void {
    freeMemory(this.#piece);
    this.#piece = NOTHING;
    void this.#pieces.close();
  }

  /**
   * Finds out why a layer that was decoded before cannot be decoded now.
   *
   * @throws what `LayerIndex.verified` rejects with, DIMGX_SOURCE_CHANGED, or the failure
   */
  async #refuse(failure: unknown): Promise<never> {
    const { layer, bytes, verified } = this.#layer;
    if (failure instanceof DimgxError && failure.code === 'DIMGX_ABORTED') throw failure;
    await verified;
    await bytes.stored.file.requireUnchanged();
    if (!(failure instanceof DimgxError)) throw failure;
    throw failure.retold(`layer ${layer.name}: ${failure.message}`, { layer: layer.name });
  }
}
