import { NO_FILE, type RebuiltPieces } from '../../../base/io/rebuilt-region.js';
import { DimgxError } from '../../../errors.js';

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
  readonly #start = new Column(Float64Array);
  readonly #end = new Column(Float64Array);
  readonly #total = new Column(Float64Array);
  readonly #file = new Column(Uint32Array);
  readonly #from = new Column(Float64Array);
  readonly #pathEnd = new Column(Float64Array);
  readonly #size = new Column(Float64Array);
  readonly #crc = new Column(Uint32Array);
  readonly #firstPiece = new Column(Float64Array);
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
    this.#crc.push(crc.readUInt32BE(0));
    this.#crc.push(crc.readUInt32BE(4));
    this.#pathEnd.push(end);
    // Its pieces come next.
    this.#firstPiece.push(this.#file.length);
    return this.#size.push(size) - 1;
  }

  /** The path of a file. */
  pathOf(file: number): Uint8Array {
    return this.#paths.subarray(this.#pathEnd.at(file - 1) ?? 0, this.#pathEnd.at(file));
  }

  /** Whether two files have the same size and the same checksum. */
  areAlike(one: number, other: number): boolean {
    const [size, crc] = [this.#size, this.#crc];
    const isSameSum = crc.at(2 * one) === crc.at(2 * other) && crc.at(2 * one + 1) === crc.at(2 * other + 1);
    return isSameSum && size.at(one) === size.at(other);
  }

  /** Takes zeros for the contents of a file. */
  forget(file: number): void {
    const first = this.#firstPiece.at(file) as number;
    for (let piece = first; this.#file.at(piece) === file; piece++) this.#file.set(piece, NO_FILE);
  }

  /** Takes a file for the contents of a piece of zeros, which is as long. */
  fill(piece: number, file: number): void {
    this.#file.set(piece, file);
    this.#firstPiece.set(file, piece);
  }

  /** Pieces are added in order. @returns the number of the piece */
  addPiece({ start, file, from, length }: Piece): number {
    this.#start.push(start);
    this.#end.push(start + length);
    this.#total.push((this.#total.at(this.#total.length - 1) ?? 0) + length);
    this.#from.push(from);
    return this.#file.push(file) - 1;
  }

  finish(): RebuiltPieces {
    return {
      start: this.#start.shared(),
      end: this.#end.shared(),
      total: this.#total.shared(),
      file: this.#file.shared(),
      from: this.#from.shared(),
      pathEnd: this.#pathEnd.shared(),
      paths: shared(Uint8Array, this.#paths, this.#pathsLength),
      size: this.#size.shared(),
      crc: this.#crc.shared(),
      changed: new Float64Array(new SharedArrayBuffer(8 * this.#size.length)),
    };
  }
}

type Values = Float64Array | Uint32Array | Uint8Array;

/** Makes a typed array of a length, or on memory. */
interface Maker<T extends Values> {
  readonly BYTES_PER_ELEMENT: number;
  new (length: number): T;
  new (memory: SharedArrayBuffer): T;
}

/** Numbers, in memory that grows by doubling. As arrays they would make the heap grow, which does not shrink again. */
class Column<T extends Values> {
  readonly #maker: Maker<T>;
  #values: T;
  length = 0;

  constructor(maker: Maker<T>) {
    this.#maker = maker;
    this.#values = new maker(256);
  }

  /** @returns `undefined` outside of the column */
  at(index: number): number | undefined {
    return index < this.length ? this.#values[index] : undefined;
  }

  set(index: number, value: number): void {
    this.#values[index] = value;
  }

  /** @returns the new length */
  push(value: number): number {
    if (this.length === this.#values.length) {
      const longer = new this.#maker(2 * this.length);
      longer.set(this.#values);
      this.#values = longer;
    }
    this.#values[this.length] = value;
    return ++this.length;
  }

  shared(): T {
    return shared(this.#maker, this.#values, this.length);
  }
}

function shared<T extends Values>(maker: Maker<T>, values: Values, length: number): T {
  const copy = new maker(new SharedArrayBuffer(maker.BYTES_PER_ELEMENT * length));
  copy.set(values.subarray(0, length));
  return copy;
}
