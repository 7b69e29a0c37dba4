import type { Appender } from '../../base/io/appender.js';
import { NO_FILE, type RebuiltPieces } from '../../base/io/rebuilt-region.js';
import { tooLarge, tooManyEntries } from '../../base/limits.js';
import { quoted } from '../../base/text/printable.js';
import { DimgxError } from '../../errors.js';
import { decodeEntry, HEADER_ONLY } from '../../tar/decode.js';
import { emptyEntry, QUIRK, type TarEntry } from '../../tar/entry.js';
import { BLOCK, padded } from '../../tar/header.js';
import { sparseStretches } from '../../tar/sparse-layout.js';
import { PieceTable } from './piece-table.js';
import { damaged, readTarSplit, type TarSplitItem, type TarSplitOptions, UNPACKED } from './tar-split.js';

/** A layer as its tar-split document describes it. No file of it has been opened. */
export interface RebuiltLayer {
  readonly pieces: RebuiltPieces;
  /** Offset of its first byte in the spool. */
  readonly offset: number;
  /** In bytes. */
  readonly length: number;
  /** A whiteout whose contents the engine has not kept: the layer has other bytes than when it was stored. */
  readonly lost: Uint8Array | undefined;
}

/** Longest headers of an entry, in bytes. */
const MAX_HEADERS = 8 * 2 ** 20;

const SLASH = 0x2f;

const SPARSE = QUIRK.oldSparse | QUIRK.paxSparse;

/**
 * Reads a layer's compressed tar-split document, and finds out where each byte of the layer is: in a segment, which is
 * appended to a spool, or in a file of the engine's storage.
 *
 * @param document a piece may be overwritten once the next but one is requested
 * @throws DIMGX_STORE_DAMAGED, DIMGX_SOURCE_UNSUPPORTED, DIMGX_SOURCE_NO_SPACE, DIMGX_LIMIT_*, DIMGX_TAR_*,
 *   DIMGX_ABORTED
 */
export async function rebuildLayer(
  document: AsyncIterable<Uint8Array>,
  spool: Pick<Appender, 'append' | 'length'>,
  options: TarSplitOptions,
): Promise<RebuiltLayer> {
  const offset = spool.length;
  const rebuilder = new Rebuilder(spool, options);
  await readTarSplit(document, options, (item) => rebuilder.take(item));
  return { offset, ...rebuilder.finish() };
}

class Rebuilder {
  readonly #spool: Pick<Appender, 'append'>;
  readonly #limits: TarSplitOptions['limits'];
  readonly #table = new PieceTable();
  /** Offset in the layer after what has been read. */
  #position = 0;
  #entries = 0;
  /** The segments since the last entry, while they may be the headers of the next. */
  #headers: Buffer[] = [];
  #headersLength = 0;
  readonly #entry = emptyEntry();
  #lost: Uint8Array | undefined;

  constructor(spool: Pick<Appender, 'append'>, { limits }: TarSplitOptions) {
    this.#spool = spool;
    this.#limits = limits;
  }

  take(item: TarSplitItem): Promise<void> | undefined {
    if (item.kind === 'segment') return this.#takeSegment(item.bytes);
    if (++this.#entries > this.#limits.maxEntries) throw tooManyEntries('the layer', this.#limits.maxEntries);
    if (item.size > 0) this.#takeFile(item);
    this.#headers = [];
    this.#headersLength = 0;
    return undefined;
  }

  finish(): Omit<RebuiltLayer, 'offset'> {
    return { pieces: this.#table.finish(), length: this.#position, lost: this.#lost };
  }

  #takeSegment(bytes: Buffer): Promise<void> | undefined {
    this.#moveBy(bytes.length);
    this.#headersLength += bytes.length;
    if (this.#headersLength <= MAX_HEADERS) this.#headers.push(bytes);
    return this.#spool.append(bytes);
  }

  #moveBy(length: number): void {
    this.#position += length;
    if (this.#position > this.#limits.maxSize) throw tooLarge(UNPACKED, this.#limits.maxSize);
  }

  /** Contents come here, unless the headers say that the entry has none, whatever its size. */
  #takeFile({ name, size, crc }: Extract<TarSplitItem, { kind: 'file' }>): void {
    if (this.#isUsual(size) && !isMarker(name)) {
      this.#add(this.#table.addFile(name, size, crc), 0, size);
      return;
    }
    const raw = this.#decodeHeaders(name);
    const { type, dataOffset, dataSize, quirks } = this.#entry;
    if (HEADER_ONLY.has(type)) return;
    if (dataOffset !== this.#position) throw contradiction(name);
    if (isWhiteout(name)) {
      this.#lost ??= Buffer.from(name);
      this.#add(NO_FILE, 0, dataSize);
      return;
    }
    if ((quirks & SPARSE) === 0) {
      if (size !== dataSize) throw contradiction(name);
      this.#add(this.#table.addFile(name, size, crc), 0, size);
      return;
    }
    const stretches = sparseStretches(raw);
    if ('need' in stretches || stretches.realSize !== size) throw contradiction(name);
    const file = this.#table.addFile(name, size, crc);
    const { map } = stretches;
    for (let i = 0; i < map.length; i += 2) this.#add(file, map[i] as number, map[i + 1] as number);
  }

  /**
   * Whether the headers of the next entry are those of most files: one block, which says what is expected here. The
   * index reads them in full, and compares its entries with the pieces.
   */
  #isUsual(size: number): boolean {
    const [headers] = this.#headers;
    const base = this.#position - this.#headersLength;
    if (!headers || this.#headers.length > 1 || headers.length !== padded(base) - base + BLOCK) return false;
    const header = headers.subarray(-BLOCK);
    return header[TYPE] === REGULAR && header.toString('latin1', SIZE, SIZE + 12) === octal(size);
  }

  #add(file: number, from: number, length: number): void {
    if (length > 0) this.#table.addPiece({ start: this.#position, file, from, length });
    this.#moveBy(length);
  }

  /** Decodes the headers of the next entry. @returns the headers */
  #decodeHeaders(name: Uint8Array): Buffer {
    const bytes = Buffer.concat(this.#headers);
    const base = this.#position - this.#headersLength;
    // Before the headers lies the padding of what came before.
    for (let at = padded(base) - base; at < bytes.length; ) {
      const decoded = decodeEntry(bytes, at, base, this.#entry);
      if (decoded === 'entry') return bytes.subarray(this.#entry.start - base);
      if (typeof decoded === 'object')
        throw needsContents(this.#entry, bytes, base) ? mapLost(name) : contradiction(name);
      at = this.#entry.end - base;
    }
    throw contradiction(name);
  }
}

/** Fields of a header: offsets of its size and its type; and the type of a file. Source: POSIX, pax, ustar. */
const [SIZE, TYPE, REGULAR] = [124, 156, 0x30];

/** A size as in the header of most files. */
function octal(size: number): string {
  return `${size.toString(8).padStart(11, '0')}\0`;
}

/** Whether more bytes are needed because the map of a sparse file is in its contents. */
function needsContents({ quirks, headerOffset }: TarEntry, bytes: Uint8Array, base: number): boolean {
  return (quirks & QUIRK.paxSparse) !== 0 && headerOffset - base < bytes.length;
}

/** Whether a name may be that of a whiteout, or of a folder. */
function isMarker(name: Buffer): boolean {
  return name.at(-1) === SLASH || name.includes('.wh.');
}

/** Engines do not keep whiteouts as files, nor what AUFS left behind. */
function isWhiteout(name: Buffer): boolean {
  return /(?:^|\/)\.wh\./.test(name.toString('latin1'));
}

function contradiction(name: Uint8Array): DimgxError {
  return damaged(`contradicts the header of ${quoted(name)}`);
}

function mapLost(name: Uint8Array): DimgxError {
  const message = `engines do not keep the map of the sparse file ${quoted(name)} (PAX 1.0), so the layer cannot be rebuilt: use the archive that the image came from`;
  return new DimgxError('DIMGX_SOURCE_UNSUPPORTED', message);
}
