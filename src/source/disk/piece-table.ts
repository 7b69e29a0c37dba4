import { NO_FILE, type RebuiltPieces } from '../../base/io/rebuilt-region.js';
import { DimgxError } from '../../errors.js';

/** Longest paths of all files of a layer together, in bytes. */
const MAX_PATHS = 2 ** 31;

interface Piece {
  /** Offset of its first byte in the layer. */
  readonly start: number;
  /** A number from `addFile`, or `NO_FILE`. */
  readonly file: number;
  /** Offset of its first byte in the file. */
  readonly from: number;
  readonly length: number;
}

/** Collects the columns of `RebuiltPieces`. */
export class PieceTable {
  readonly #start: number[] = [];
  readonly #end: number[] = [];
  readonly #total: number[] = [];
  readonly #file: number[] = [];
  readonly #from: number[] = [];
  readonly #pathEnd: number[] = [];
  readonly #size: number[] = [];
  readonly #crc: number[] = [];
  readonly #firstPiece: number[] = [];
  #paths = Buffer.alloc(4096);
  #pathsLength = 0;

  /**
   * @param crc 8 bytes
   * @returns the number of the file
   * @throws DIMGX_LIMIT_NAMES
   */
  addFile(path: Buffer, size: number, crc: Buffer): number {
    const end = this.#pathsLength + path.length;
    if (end > MAX_PATHS) throw new DimgxError('DIMGX_LIMIT_NAMES', 'the names in a layer take more than 2 GiB');
    if (end > this.#paths.length) {
      const longer = Buffer.alloc(Math.max(end, 2 * this.#paths.length));
      this.#paths.copy(longer, 0, 0, this.#pathsLength);
      this.#paths = longer;
    }
    path.copy(this.#paths, this.#pathsLength);
    this.#pathsLength = end;
    this.#crc.push(crc.readUInt32BE(0), crc.readUInt32BE(4));
    this.#pathEnd.push(end);
    // Its pieces come next.
    this.#firstPiece.push(this.#file.length);
    return this.#size.push(size) - 1;
  }

  /** The path of a file. */
  pathOf(file: number): Uint8Array {
    return this.#paths.subarray(this.#pathEnd[file - 1] ?? 0, this.#pathEnd[file]);
  }

  /** Whether two files have the same size and the same checksum. */
  areAlike(one: number, other: number): boolean {
    const [a, b] = [2 * one, 2 * other];
    return (
      this.#size[one] === this.#size[other] && this.#crc[a] === this.#crc[b] && this.#crc[a + 1] === this.#crc[b + 1]
    );
  }

  /** Takes zeros for the contents of a file. */
  forget(file: number): void {
    for (let piece = this.#firstPiece[file] as number; this.#file[piece] === file; piece++) this.#file[piece] = NO_FILE;
  }

  /** Pieces are added in order. */
  addPiece({ start, file, from, length }: Piece): void {
    this.#start.push(start);
    this.#end.push(start + length);
    this.#total.push((this.#total.at(-1) ?? 0) + length);
    this.#file.push(file);
    this.#from.push(from);
  }

  finish(): RebuiltPieces {
    return {
      start: doubles(this.#start),
      end: doubles(this.#end),
      total: doubles(this.#total),
      file: words(this.#file),
      from: doubles(this.#from),
      pathEnd: doubles(this.#pathEnd),
      paths: bytes(this.#paths.subarray(0, this.#pathsLength)),
      size: doubles(this.#size),
      crc: words(this.#crc),
      changed: doubles(this.#size.map(() => 0)),
    };
  }
}

function doubles(values: readonly number[]): Float64Array {
  const column = new Float64Array(new SharedArrayBuffer(8 * values.length));
  column.set(values);
  return column;
}

function words(values: readonly number[]): Uint32Array {
  const column = new Uint32Array(new SharedArrayBuffer(4 * values.length));
  column.set(values);
  return column;
}

function bytes(values: Uint8Array): Uint8Array {
  const column = new Uint8Array(new SharedArrayBuffer(values.length));
  column.set(values);
  return column;
}
