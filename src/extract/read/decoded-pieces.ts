import type { Duplex } from 'node:stream';
import { pieceBuffers, piecesOfRegion, readRegion } from '../../base/io/region.js';
import type { CompressionName } from '../../compression/codecs.js';
import { decodeInto, decodingFailure, freeMemory } from '../../compression/decode-into.js';
import { archiveRegion, encodedRegion, packedPieces } from '../../compression/packed-region.js';
import { imageClosed } from '../../errors.js';
import type { LayerBytes } from '../../layer/layer-index.js';

/** Largest piece of compressed bytes to read, in bytes. */
const STORED_PIECE = 256 * 1024;

/** Creates a decoder for so many compressed bytes. `waiting` is as for `MakeDecoder`. */
export type OpenDecoder = (compression: CompressionName, length: number, waiting: number) => Promise<Duplex>;

/**
 * Decodes a layer and hands out the pieces in order. Runs ahead of its reader, within a bound, so that
 * several layers are decoded at once.
 */
export class DecodedPieces {
  readonly #bytes: LayerBytes;
  readonly #ahead: number;
  readonly #pieces: Buffer[] = [];
  /** Total length of `#pieces`. */
  #waiting = 0;
  /** That of the archive, if it is compressed as a whole, and that of the layer, if it is compressed itself. */
  readonly #decoders: Duplex[] = [];
  #isClosed = false;
  #failure: { readonly of: unknown } | undefined;
  #hasEnded = false;
  readonly #running: Promise<void>;
  /** Resolves when a piece has come, or none will. */
  #onPiece: (() => void) | undefined;
  /** Resolves when there is room for another piece. */
  #onRoom: (() => void) | undefined;

  /** @param ahead maximum number of bytes to decode ahead of the reader, give or take two pieces */
  constructor(bytes: LayerBytes, open: OpenDecoder, ahead: number) {
    this.#bytes = bytes;
    this.#ahead = ahead;
    this.#running = this.#run(open).then(
      () => this.#end(),
      (error: unknown) => this.#end({ of: error }),
    );
  }

  /**
   * The next piece, which belongs to the caller. Call it once at a time.
   *
   * @returns `undefined` at the end
   * @throws DIMGX_COMPRESSION_CORRUPT, DIMGX_ABORTED, and as `readRegion`
   */
  async next(): Promise<Buffer | undefined> {
    while (this.#pieces.length === 0 && !this.#hasEnded) {
      await new Promise<void>((resolve) => {
        this.#onPiece = resolve;
      });
    }
    const piece = this.#pieces.shift();
    if (!piece && this.#failure) throw this.#failure.of;
    this.#waiting -= piece?.length ?? 0;
    if (this.#waiting < this.#ahead) this.#onRoom?.();
    return piece;
  }

  /** Ends decoding. Calls of `next`, also one under way, reject with DIMGX_ABORTED. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#failure = { of: imageClosed() };
    this.#pieces.length = 0;
    this.#stop();
    this.#onRoom?.();
    await this.#running;
  }

  async #run(open: OpenDecoder): Promise<void> {
    const { compression } = this.#bytes;
    const stored = encodedRegion(this.#bytes.stored);
    const waiting = Math.floor(this.#ahead / 2);
    const add = async (name: CompressionName, length: number) => {
      const decoder = await open(name, length, waiting);
      decoder.on('error', () => {}); // `close` may come when `pipeline` does not listen any more
      this.#decoders.push(decoder);
      return decoder;
    };
    const region = stored.archive ? archiveRegion(stored) : stored;
    const outer = stored.archive && (await add(stored.archive.compression, region.length));
    const inner = compression === 'none' ? undefined : await add(compression, stored.length);
    if (this.#isClosed) this.#stop();
    try {
      const buffers = pieceBuffers(region.length, Math.min(STORED_PIECE, waiting));
      const read = piecesOfRegion(readRegion(region), region.length, buffers);
      const pieces = stored.archive && outer ? packedPieces(outer, read, stored) : read;
      await decodeInto(inner, pieces, (piece) => this.#put(piece));
      buffers.forEach(freeMemory);
    } catch (error) {
      throw decodingFailure(compression, error);
    }
  }

  /** With an error: if a stream is destroyed without one just as it ends, Node's `pipeline` never settles. */
  #stop(): void {
    for (const decoder of this.#decoders) decoder.destroy(imageClosed());
  }

  #put(piece: Buffer): Promise<void> | undefined {
    if (this.#isClosed) throw imageClosed();
    this.#pieces.push(piece);
    this.#waiting += piece.length;
    this.#onPiece?.();
    if (this.#waiting < this.#ahead) return undefined;
    return new Promise((resolve) => {
      this.#onRoom = resolve;
    });
  }

  #end(failure?: { readonly of: unknown }): void {
    this.#hasEnded = true;
    for (const decoder of this.#decoders.splice(0)) decoder.destroy(); // one can have a window of 128 MiB
    if (!this.#isClosed) this.#failure = failure;
    this.#onPiece?.();
  }
}
