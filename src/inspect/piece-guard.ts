import type { RebuiltPieces } from '../base/io/rebuilt-region.js';
import { DimgxError } from '../errors.js';
import type { TarEntry } from '../tar/entry.js';

/**
 * Checks that the files of a rebuilt layer are nothing but contents of its entries. Only then does an index that was
 * made without them say what the layer holds.
 */
export class PieceGuard {
  readonly #pieces: RebuiltPieces;
  /** The first piece after the entries so far. */
  #next = 0;

  constructor(pieces: RebuiltPieces) {
    this.#pieces = pieces;
  }

  /** Call it with each entry in turn. @throws DIMGX_STORE_DAMAGED */
  check({ dataOffset, dataSize, end }: TarEntry): void {
    const { start, end: ends } = this.#pieces;
    for (; (start[this.#next] as number) < end; this.#next++) {
      const isInside =
        (start[this.#next] as number) >= dataOffset && (ends[this.#next] as number) <= dataOffset + dataSize;
      if (!isInside) throw contradiction();
    }
  }

  /** Call it after the last entry. @throws DIMGX_STORE_DAMAGED */
  finish(): void {
    if (this.#next < this.#pieces.start.length) throw contradiction();
  }
}

function contradiction(): DimgxError {
  const message = "the engine's record of the layer (tar-split) names files that are not the contents of its entries";
  return new DimgxError('DIMGX_STORE_DAMAGED', message);
}
