import type { Hash } from 'node:crypto';
import { RebuiltReading } from '../base/io/rebuilt-region.js';
import { type OpenRegion, pieceBuffers, piecesOfRegion, type ReadAt } from '../base/io/region.js';
import { isNoSpace, type WriteAt } from '../base/io/spool.js';
import { pathData } from '../base/text/printable.js';
import type { Decoder } from '../compression/codec.js';
import { type CompressionName, codecOf } from '../compression/codecs.js';
import { decodeInto, decodingFailure, freeMemory } from '../compression/decode-into.js';
import { archiveRegion, packedPieces, type StoredRegion } from '../compression/packed-region.js';
import { DimgxError } from '../errors.js';
import { EntryTableBuilder } from '../layer/entry-table-builder.js';
import type { LayerContents, PlainRegion } from '../layer/layer-index.js';
import { QUIRK, type TarEntry } from '../tar/entry.js';
import { latin1 } from '../tar/pax.js';
import { scanTar, type TarEnd, TarStreamScan } from '../tar/scan.js';
import { WarningTally } from '../warning-tally.js';
import type { Budget } from './budget.js';
import { PieceGuard } from './piece-guard.js';

/** Size of a piece of compressed bytes. */
const STORED_PIECE = 1024 * 1024;
/** Entries to collect before adding them to the count that threads share. */
const ENTRIES_AT_ONCE = 1024;

/**
 * How bytes are read and written: synchronously in a worker thread; elsewhere, without blocking the thread for long.
 */
export interface LayerIo {
  read(region: OpenRegion): ReadAt;
  /** Makes of synchronous reads ones that do not block the thread for long. */
  paced(read: ReadAt): ReadAt;
  readonly write: WriteAt;
  /** Runs work during which the thread must not be terminated. */
  whole<T>(work: () => T): T;
}

/** Called with the number of stored bytes processed since the last call. */
export type OnBytes = (bytes: number) => void;

/**
 * Reads the headers of an uncompressed layer, but not the contents.
 *
 * @throws DIMGX_TAR_*, DIMGX_ENTRY_*, DIMGX_LIMIT_*, DIMGX_SOURCE_CHANGED
 */
export async function indexPlainLayer(blob: PlainRegion<number>, io: LayerIo, budget: Budget): Promise<LayerContents> {
  budget.spendBytes(blob.length);
  const entries = new LayerEntries(budget);
  if (!blob.rebuilding) return entries.contents(await scanTar(io.read(blob), blob.length, entries.add), blob.length);
  const rebuilt = new RebuiltReading(blob, 'spool');
  const guard = new PieceGuard(blob.rebuilding.pieces);
  const onEntry = (entry: TarEntry) => {
    guard.check(entry);
    entries.add(entry);
  };
  try {
    const end = await scanTar(io.paced(rebuilt.read), blob.length, onEntry);
    guard.finish();
    return entries.contents(end, blob.length);
  } finally {
    rebuilt.close();
  }
}

/** Result of decoding a layer. */
export interface DecodingResult {
  readonly contents: LayerContents;
  /** Whether the spool has all bytes of the layer. */
  readonly isSpooled: boolean;
}

export interface DecodeRequest {
  readonly blob: StoredRegion<number>;
  /** The compression of the layer itself. */
  readonly compression: CompressionName;
  /** An open file and the part of it that the layer may use, in bytes: from `offset`, up to `room` long. */
  readonly spool: { readonly fd: number; readonly offset: number; readonly room: number } | undefined;
}

/**
 * Decodes a layer, and the archive that it is a part of if that is compressed as a whole. Reads its headers and hashes
 * its stored and uncompressed bytes on the way. Keeps the uncompressed bytes if there is a spool and they fit.
 *
 * @param hashes updated with the stored and with the uncompressed bytes
 * @throws DIMGX_COMPRESSION_CORRUPT, DIMGX_COMPRESSION_UNSUPPORTED, and as `indexPlainLayer`
 */
export async function decodeLayer(
  { blob, compression, spool }: DecodeRequest,
  hashes: { readonly stored?: Hash | undefined; readonly plain?: Hash | undefined },
  io: LayerIo,
  budget: Budget,
  onBytes: OnBytes,
): Promise<DecodingResult> {
  const outer = blob.archive && (await openDecoder(blob.archive.compression, io));
  const inner = compression === 'none' ? undefined : await openDecoder(compression, io);
  const entries = new LayerEntries(budget);
  const scan = new TarStreamScan(entries.add);
  const keeper = spool && new SpoolWriter(spool, io);
  let length = 0;
  const region = blob.archive ? archiveRegion(blob) : blob;
  const buffers = pieceBuffers(region.length, STORED_PIECE);
  const read = piecesOfRegion(io.read(region), region.length, buffers);
  const pieces = blob.archive && outer ? packedPieces(outer, read, blob) : read;
  const onStored = (piece: Uint8Array) => {
    hashes.stored?.update(piece);
    onBytes(piece.length);
  };
  try {
    await decodeInto(inner, observed(pieces, onStored), async (piece) => {
      budget.spendBytes(piece.length);
      hashes.plain?.update(piece);
      scan.push(piece);
      await keeper?.write(piece);
      length += piece.length;
      freeMemory(piece);
    });
  } catch (error) {
    throw decodingFailure(compression, error);
  }
  buffers.forEach(freeMemory);
  const memory = (outer?.memory ?? 0) + (inner?.memory ?? 0);
  const contents = entries.contents(scan.finish(), length, memory);
  return { contents, isSpooled: keeper?.isWhole ?? false };
}

async function openDecoder(compression: CompressionName, { whole }: LayerIo): Promise<Decoder> {
  const makeDecoder = await codecOf(compression).loadDecoder();
  return whole(() => makeDecoder());
}

async function* observed(pieces: AsyncIterable<Buffer>, onPiece: (piece: Buffer) => void) {
  for await (const piece of pieces) {
    onPiece(piece);
    yield piece;
  }
}

/** Writes a layer into a spool until there is no room for more. */
class SpoolWriter {
  readonly #spool: NonNullable<DecodeRequest['spool']>;
  readonly #write: WriteAt;
  #length = 0;
  isWhole = true;

  constructor(spool: NonNullable<DecodeRequest['spool']>, { write }: LayerIo) {
    this.#spool = spool;
    this.#write = write;
  }

  async write(piece: Uint8Array): Promise<void> {
    const { fd, offset, room } = this.#spool;
    this.isWhole &&= this.#length + piece.length <= room;
    if (!this.isWhole) return;
    try {
      await this.#write(fd, piece, offset + this.#length);
      this.#length += piece.length;
    } catch (failure) {
      if (!isNoSpace(failure)) throw failure;
      this.isWhole = false;
    }
  }
}

const TRAILING = { archive: 'another tar archive', data: 'data' } as const;

/** Collects entries as the scan finds them, within the budget. */
export class LayerEntries {
  readonly #budget: Budget;
  readonly #table = new EntryTableBuilder();
  readonly #tally = new WarningTally();
  readonly #windowsRecords = new WarningTally();
  /** The folders of the Windows layout that have entries with Windows records. */
  readonly #windowsFolders = new Set<string>();
  #contentSize = 0;
  #expanded = 0;
  #unspent = 0;

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  readonly add = (entry: TarEntry): void => {
    if (++this.#unspent === ENTRIES_AT_ONCE) this.#spendEntries();
    const expanded = entry.size - entry.dataSize;
    if (expanded > 0) {
      this.#budget.spendBytes(expanded);
      this.#expanded += expanded;
    }
    if (entry.quirks !== 0) this.#tellOddities(entry);
    this.#contentSize += entry.size;
    try {
      this.#table.add(entry);
    } catch (error) {
      throw error instanceof DimgxError ? error.retold(error.message, pathData(entry.name)) : error;
    }
  };

  #tellOddities({ quirks, name }: TarEntry): void {
    if ((quirks & (QUIRK.oldSparse | QUIRK.paxSparse)) !== 0) this.#tally.add('DIMGX_ENTRY_SPARSE', name);
    if ((quirks & QUIRK.contiguous) !== 0) this.#tally.add('DIMGX_ENTRY_CONTIGUOUS', name);
    if ((quirks & QUIRK.escapedXattr) !== 0) this.#tally.add('DIMGX_ENTRY_XATTR_NAME', name);
    if ((quirks & QUIRK.lostRecord) !== 0) this.#tally.add('DIMGX_ENTRY_PAX_RECORD', name);
    if ((quirks & QUIRK.windowsRecord) === 0) return;
    if ((quirks & QUIRK.lostRecord) === 0) this.#windowsRecords.add('DIMGX_ENTRY_PAX_RECORD', name);
    const folder = /^(?:\.?\/)*(Files|Hives)(?:\/|$)/.exec(latin1(name.subarray(0, 64)))?.[1];
    if (folder !== undefined) this.#windowsFolders.add(folder);
  }

  #spendEntries(): void {
    this.#budget.spendEntries(this.#unspent);
    this.#unspent = 0;
  }

  /** @param decoderMemory as in `LayerContents` */
  contents(end: TarEnd, length: number, decoderMemory = 0): LayerContents {
    this.#spendEntries();
    const warnings = this.#tally.warnings();
    if (end.strayExtensions > 0) {
      const message =
        'extension headers that belong to no entry or to all entries are left out, as container engines ignore them';
      warnings.push({ code: 'DIMGX_ENTRY_PAX_RECORD', message, count: end.strayExtensions });
    }
    if (end.trailing !== 'nothing') {
      const message = `${TRAILING[end.trailing]} follows the end of the tar; it is ignored, as in container engines`;
      warnings.push({ code: 'DIMGX_LAYER_TRAILING_DATA', message, count: 1 });
    }
    const sizes = { contentSize: this.#contentSize, length, spentBytes: length + this.#expanded };
    const [windowsRecords] = this.#windowsRecords.warnings();
    const isForWindows = this.#windowsFolders.size === 2;
    return { columns: this.#table.finish(), ...sizes, decoderMemory, warnings, windowsRecords, isForWindows };
  }
}
