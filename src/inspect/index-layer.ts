import type { Hash } from 'node:crypto';
import type { OpenRegion, ReadAt } from '../base/io/region.js';
import type { WriteAt } from '../base/io/spool.js';
import { pathData } from '../base/text/printable.js';
import { type CompressionName, codecOf } from '../compression/codecs.js';
import { decodeInto } from '../compression/decode-into.js';
import { DimgxError } from '../errors.js';
import { EntryTableBuilder } from '../layer/entry-table-builder.js';
import type { LayerContents } from '../layer/layer-index.js';
import { QUIRK, type TarEntry } from '../tar/entry.js';
import { latin1 } from '../tar/pax.js';
import { scanTar, type TarEnd, TarStreamScan } from '../tar/scan.js';
import { WarningTally } from '../warning-tally.js';
import type { Budget } from './budget.js';

/** Size of a piece of compressed bytes. */
const STORED_PIECE = 1024 * 1024;
/** Entries to collect before adding them to the count that threads share. */
const ENTRIES_AT_ONCE = 1024;

/**
 * How bytes are read and written: synchronously in a worker thread; elsewhere, without blocking the thread for long.
 */
export interface LayerIo {
  read(region: OpenRegion): ReadAt;
  readonly write: WriteAt;
  /** Runs work during which the thread must not be terminated. */
  whole<T>(work: () => T): T;
}

/** Called with the bytes processed since the last call, and the length of the spool that a layer is decoded into. */
export type OnBytes = (bytes: number, spooled?: number) => void;

/**
 * Reads the headers of an uncompressed layer, but not the contents.
 *
 * @throws DIMGX_TAR_*, DIMGX_ENTRY_*, DIMGX_LIMIT_*, DIMGX_SOURCE_CHANGED
 */
export async function indexPlainLayer(blob: OpenRegion, io: LayerIo, budget: Budget): Promise<LayerContents> {
  budget.spendBytes(blob.length);
  const entries = new LayerEntries(budget);
  return entries.contents(await scanTar(io.read(blob), blob.length, entries.add), blob.length);
}

/** Result of decoding a layer. */
export interface DecodingResult {
  /** Length of the uncompressed layer, in bytes. */
  readonly length: number;
  /** `undefined` if the headers were not requested. */
  readonly contents: LayerContents | undefined;
}

export interface DecodeRequest {
  readonly blob: OpenRegion;
  readonly compression: CompressionName;
  /** An open file and the part of it that the layer may use, in bytes: from `offset`, up to `room` long. */
  readonly spool: { readonly fd: number; readonly offset: number; readonly room: number | undefined };
  /** Whether to read the headers. */
  readonly reads: boolean;
}

/**
 * Decodes a layer once into a spool. Reads its headers and hashes its stored and uncompressed bytes on the way.
 *
 * @param hashes updated with the stored and with the uncompressed bytes
 * @throws DIMGX_COMPRESSION_CORRUPT, DIMGX_COMPRESSION_UNSUPPORTED, DIMGX_SOURCE_NO_SPACE, and as `indexPlainLayer`
 */
export async function decodeLayer(
  { blob, compression, spool, reads }: DecodeRequest,
  hashes: { readonly stored?: Hash | undefined; readonly plain?: Hash | undefined },
  io: LayerIo,
  budget: Budget,
  onBytes: OnBytes,
): Promise<DecodingResult> {
  const makeDecoder = await codecOf(compression).loadDecoder();
  const entries = new LayerEntries(budget);
  const scan = new TarStreamScan(entries.add);
  let length = 0;
  try {
    await decodeInto(io.whole(makeDecoder), storedPieces(blob, io, hashes.stored, onBytes), async (piece) => {
      budget.spendBytes(piece.length);
      hashes.plain?.update(piece);
      if (reads) scan.push(piece);
      if (length + piece.length > (spool.room ?? Number.POSITIVE_INFINITY)) throw tooLong(spool.room);
      await io.write(spool.fd, piece, spool.offset + length);
      length += piece.length;
      onBytes(0, length);
    });
  } catch (error) {
    if (error instanceof DimgxError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new DimgxError('DIMGX_COMPRESSION_CORRUPT', `its ${compression} data is damaged: ${reason}`, {
      cause: error,
    });
  }
  return { length, contents: reads ? entries.contents(scan.finish(), length) : undefined };
}

function tooLong(known: number | undefined): DimgxError {
  const message = `it is damaged: it decodes to more bytes than the ${known} of an earlier run`;
  return new DimgxError('DIMGX_IMAGE_SIZE_MISMATCH', message);
}

/** Alternates between two buffers. */
async function* storedPieces(blob: OpenRegion, io: LayerIo, hash: Hash | undefined, onBytes: OnBytes) {
  const read = io.read(blob);
  const size = Math.min(STORED_PIECE, blob.length);
  let [buffer, other] = [Buffer.allocUnsafeSlow(size), Buffer.allocUnsafeSlow(size)];
  for (let position = 0; position < blob.length; ) {
    const bytes = buffer.subarray(0, blob.length - position);
    await read(bytes, position);
    hash?.update(bytes);
    position += bytes.length;
    onBytes(bytes.length);
    yield bytes;
    [buffer, other] = [other, buffer];
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

  contents(end: TarEnd, length: number): LayerContents {
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
    return { columns: this.#table.finish(), ...sizes, warnings, windowsRecords, isForWindows };
  }
}
