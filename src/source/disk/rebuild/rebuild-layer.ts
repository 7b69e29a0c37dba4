import type { Appender } from '../../../base/io/appender.js';
import { NO_FILE, type RebuiltPieces } from '../../../base/io/rebuilt-region.js';
import { tooLarge, tooManyEntries } from '../../../base/limits.js';
import { quoted } from '../../../base/text/printable.js';
import { HEADER_ONLY, type TarRules } from '../../../tar/decode.js';
import { emptyEntry, QUIRK } from '../../../tar/entry.js';
import { padded, TYPE } from '../../../tar/header.js';
import { sparseStretches } from '../../../tar/sparse-layout.js';
import { HeldHeaders } from './held-headers.js';
import { cleanName, OverwrittenFiles } from './overwritten-files.js';
import { PieceTable } from './piece-table.js';
import { plainHeaders, whiteoutHeaders } from './replaced-headers.js';
import { contradiction, readTarSplit, type TarSplitItem, type TarSplitOptions, UNPACKED } from './tar-split.js';
import { isMarker, isUnkept, UnkeptFiles } from './unkept-files.js';

/** A layer as its tar-split document describes it. No file of it has been opened. */
export interface RebuiltLayer {
  readonly pieces: RebuiltPieces;
  /** Offset of its first byte in the spool. */
  readonly offset: number;
  /** In bytes. */
  readonly length: number;
  /** Why the layer has other bytes than when it was stored, if it has: the tree is the same. */
  readonly unlike: string | undefined;
  /** Names of the hard links to files that are left out. */
  readonly lostLinks: readonly Uint8Array[];
}

export interface RebuildOptions extends TarSplitOptions {
  /**
   * Files to leave out, by their numbers in the `pieces` of the whole layer. Whiteouts take their places, and those of
   * the hard links to them.
   */
  readonly without?: ReadonlySet<number> | undefined;
}

/** Longest headers of an entry, in bytes. */
const MAX_HEADERS = 8 * 2 ** 20;

const SPARSE = QUIRK.oldSparse | QUIRK.paxSparse;

type FileItem = Extract<TarSplitItem, { kind: 'file' }>;

/**
 * Reads a layer's compressed tar-split document, and finds out where each byte of the layer is: in a segment, which is
 * appended to a spool, or in a file of the engine's storage.
 *
 * @param document a piece may be overwritten once the next but one is requested
 * @throws DIMGX_STORE_DAMAGED, DIMGX_SOURCE_NO_SPACE, DIMGX_LIMIT_*, DIMGX_TAR_*, DIMGX_ABORTED
 */
export async function rebuildLayer(
  document: AsyncIterable<Uint8Array>,
  spool: Pick<Appender, 'append' | 'length'>,
  options: RebuildOptions,
): Promise<RebuiltLayer> {
  const offset = spool.length;
  const rebuilder = new Rebuilder(spool, options);
  await readTarSplit(document, options, (item) => rebuilder.take(item));
  await rebuilder.end();
  return { offset, ...rebuilder.finish() };
}

class Rebuilder {
  readonly #spool: Pick<Appender, 'append'>;
  readonly #limits: TarSplitOptions['limits'];
  readonly #table = new PieceTable();
  readonly #overwritten = new OverwrittenFiles(this.#table);
  readonly #unkept = new UnkeptFiles(this.#table);
  readonly #without: ReadonlySet<number> | undefined;
  /** Names that are left out. */
  readonly #gone = new Set<string>();
  /** Offset in the layer after what has been read. */
  #position = 0;
  #entries = 0;
  #files = 0;
  readonly #headers = new HeldHeaders();
  readonly #lostLinks: Uint8Array[] = [];
  /** Bytes to drop from the start of the next segment: the padding of contents that have another length here. */
  #cut = 0;
  /** Number of zeros to put there instead. */
  #padding = 0;
  readonly #entry = emptyEntry();
  #unlike: string | undefined;

  constructor(spool: Pick<Appender, 'append'>, { limits, without }: RebuildOptions) {
    this.#spool = spool;
    this.#limits = limits;
    this.#without = without;
  }

  take(item: TarSplitItem): Promise<void> | undefined {
    if (item.kind === 'segment') return this.#takeSegment(item.bytes);
    if (++this.#entries > this.#limits.maxEntries) throw tooManyEntries('the layer', this.#limits.maxEntries);
    if (item.size > 0) this.#takeFile(item);
    else this.#takeHeader(item.name);
    const released = this.#release();
    if (this.#padding > 0) this.#hold(Buffer.alloc(this.#padding));
    this.#padding = 0;
    return released;
  }

  /** Call it after the last item. */
  end(): Promise<void> | undefined {
    return this.#release();
  }

  finish(): Omit<RebuiltLayer, 'offset'> {
    const { first } = this.#overwritten;
    const unlike =
      this.#unlike ?? this.#unkept.unlike() ?? (first && `the engine has overwritten the contents of ${quoted(first)}`);
    return { pieces: this.#table.finish(), length: this.#position, unlike, lostLinks: this.#lostLinks };
  }

  #takeSegment(bytes: Buffer): Promise<void> | undefined {
    const rest = bytes.subarray(this.#cut);
    this.#cut -= bytes.length - rest.length;
    this.#hold(rest);
    return this.#headers.length > MAX_HEADERS ? this.#release() : undefined;
  }

  #hold(bytes: Buffer): void {
    this.#moveBy(bytes.length);
    this.#headers.push(bytes);
  }

  /** Appends the segments that were held. Whatever comes then cannot be headers with them. */
  #release(): Promise<void> | undefined {
    return this.#spool.append(this.#headers.take());
  }

  #moveBy(length: number): void {
    this.#position += length;
    if (this.#position > this.#limits.maxSize) throw tooLarge(UNPACKED, this.#limits.maxSize);
  }

  /** Contents come here, unless the headers say that the entry has none, whatever its size. */
  #takeFile(item: FileItem): void {
    const { name, size } = item;
    const isUsual = !this.#without && this.#headers.isUsual(this.#headersAt, size) && !isMarker(name);
    const raw = isUsual ? undefined : this.#decodeHeaders(name, 'layer');
    if (isUsual) this.#addWhole(item, name);
    else if (!raw) this.#takeLostMap(item);
    else if (HEADER_ONLY.has(this.#entry.type)) this.#takeHeader(name);
    else this.#takeDecoded(item, raw);
  }

  #takeDecoded(item: FileItem, raw: Buffer): void {
    const { name, size } = item;
    const { dataOffset, dataSize, quirks, name: own } = this.#entry;
    if (dataOffset !== this.#position) throw contradiction(name);
    if (isUnkept(name)) {
      const piece = this.#addPiece(NO_FILE, 0, dataSize);
      this.#unkept.add(item, size === dataSize ? piece : undefined);
    } else if ((quirks & SPARSE) === 0) {
      if (size !== dataSize) throw contradiction(name);
      this.#addWhole(item, own);
    } else {
      const stretches = sparseStretches(raw);
      if ('need' in stretches || stretches.realSize !== size) throw contradiction(name);
      if (this.#isLeftOut(own, dataSize)) return;
      const file = this.#addFile(item);
      const { map } = stretches;
      for (let i = 0; i < map.length; i += 2) this.#addPiece(file, map[i] as number, map[i + 1] as number);
    }
  }

  /** @param name from the headers */
  #addWhole(item: FileItem, name: Uint8Array): void {
    if (!this.#isLeftOut(name, item.size)) this.#addPiece(this.#addFile(item), 0, item.size);
  }

  #addFile({ name, size, crc }: FileItem): number {
    const file = this.#table.addFile(name, size, crc);
    this.#overwritten.add(file, name);
    return file;
  }

  /**
   * A sparse file in PAX form 1.0 has its map in front of its contents. Engines keep neither the map nor its length, but
   * the whole file: it becomes a plain one.
   */
  #takeLostMap(item: FileItem): void {
    const { name, size } = item;
    if (!this.#decodeHeaders(name, 'archive') || (this.#entry.quirks & SPARSE) === 0) throw contradiction(name);
    const { size: realSize, dataSize } = this.#entry;
    if (realSize !== size) throw contradiction(name);
    this.#unlike ??= `engines do not keep the map of the sparse file ${quoted(name)} (PAX 1.0)`;
    if (this.#isLeftOut(this.#entry.name, dataSize)) return;
    this.#replaceHeaders(plainHeaders(this.#entry));
    this.#addPiece(this.#addFile(item), 0, size);
    this.#cut = padded(dataSize) - dataSize;
    this.#padding = padded(size) - size;
  }

  /** An entry without contents. */
  #takeHeader(name: Buffer): void {
    const { type } = this.#headers;
    const isLink = type === TYPE.symlink || (type === TYPE.hardLink && this.#gone.size + this.#unkept.count > 0);
    if (!isLink || !this.#decodeHeaders(name, 'layer')) return;
    const { name: own, link } = this.#entry;
    if (type === TYPE.symlink) this.#overwritten.addLink(own, link);
    else if (this.#gone.has(cleanName(link))) {
      this.#lostLinks.push(Buffer.from(own));
      this.#leaveOut(own);
    } else if (this.#unkept.canTake(link)) {
      if (!this.#without?.has(this.#files++)) this.#unkept.take(name, link);
      else {
        this.#gone.add(cleanName(link));
        this.#leaveOut(own);
      }
    }
  }

  /** @param dataSize of the contents in the tar, in bytes @returns whether the next file is left out */
  #isLeftOut(name: Uint8Array, dataSize: number): boolean {
    if (!this.#without?.has(this.#files++)) return false;
    this.#cut = padded(dataSize) - dataSize;
    this.#leaveOut(name);
    return true;
  }

  #leaveOut(name: Uint8Array): void {
    this.#gone.add(cleanName(name));
    this.#replaceHeaders(whiteoutHeaders(name));
  }

  /** Replaces the headers of the entry that was decoded last. */
  #replaceHeaders(headers: Buffer): void {
    const base = this.#headersAt;
    this.#headers.replace(this.#entry.start - base, headers);
    this.#position = base + this.#headers.length;
  }

  /** @param length not 0, if the number that is returned matters */
  #addPiece(file: number, from: number, length: number): number {
    const start = this.#position;
    this.#moveBy(length);
    return length > 0 ? this.#table.addPiece({ start, file, from, length }) : -1;
  }

  /** Offset of the headers that are held, in the layer. */
  get #headersAt(): number {
    return this.#position - this.#headers.length;
  }

  /** As `HeldHeaders.decode`. */
  #decodeHeaders(name: Uint8Array, rules: TarRules): Buffer | undefined {
    return this.#headers.decode(this.#headersAt, this.#entry, name, rules);
  }
}
