import type { Duplex } from 'node:stream';
import type { RebuiltRegion } from '../base/io/rebuilt-region.js';
import { pieceBuffers, piecesOfRegion, type Region, type RegionFile, readRegion } from '../base/io/region.js';
import { DimgxError } from '../errors.js';
import { type CompressionName, codecOf, detectCompression, MAGIC_LENGTH } from './codecs.js';
import { feed, freeMemory, unjoined } from './decode-into.js';

/** An archive that is compressed as a whole: a range of a file. */
export interface PackedArchive {
  /** Where it comes from, printable. */
  readonly location: string;
  readonly compression: CompressionName;
  /** Offset of its first byte, from the start of the file. */
  readonly offset: number;
  /** In bytes, compressed. */
  readonly length: number;
}

/** A range of what an archive that is compressed as a whole decodes to. It is decoded again whenever it is read. */
export interface PackedRegion<File = RegionFile> {
  /** The file that has the archive. */
  readonly file: File;
  readonly archive: PackedArchive;
  /** Offset of the first byte, from the start of the decoded archive. */
  readonly offset: number;
  /** In bytes. */
  readonly length: number;
  /** The compression that the range has in the decoded archive. */
  readonly compression: CompressionName;
  /** Never set: see `Region`. */
  readonly rebuilding?: undefined;
}

/** Where the stored bytes of a file of an image are. `length` is their length in both. */
export type StoredRegion<File = RegionFile> = Region<File> | PackedRegion<File>;

/** Where the stored bytes of a layer are. `length` is their length in all three. */
export type LayerRegion<File = RegionFile> = StoredRegion<File> | RebuiltRegion<File>;

/** The stored bytes of a layer that has to be decoded, which a rebuilt layer never has to be. */
export function encodedRegion<File>(region: LayerRegion<File>): StoredRegion<File> {
  if (region.rebuilding) throw new Error('a rebuilt layer is not compressed');
  return region;
}

/** The compressed bytes of a region's archive. */
export function archiveRegion<File>({ file, archive }: PackedRegion<File>): Region<File> {
  return { file, offset: archive.offset, length: archive.length };
}

/** Detects the compression of stored bytes from the first of them. */
export async function compressionOf(stored: StoredRegion): Promise<CompressionName> {
  return stored.archive ? stored.compression : detectCompression(await readStart(stored, MAGIC_LENGTH));
}

const PIECE = 1024 * 1024;

/**
 * Reads the first bytes of a region.
 *
 * @param length in bytes; fewer are read if the region is shorter
 * @throws as `readRegion` and `packedPieces`
 */
export async function readStart(stored: StoredRegion, length: number): Promise<Buffer> {
  const into = Buffer.alloc(Math.min(length, stored.length));
  if (!stored.archive) {
    await readRegion(stored)(into, 0);
    return into;
  }
  const makeDecoder = await codecOf(stored.archive.compression).loadDecoder();
  const packed = archiveRegion(stored);
  const pieces = piecesOfRegion(readRegion(packed), packed.length, pieceBuffers(packed.length, PIECE));
  let done = 0;
  for await (const piece of packedPieces(makeDecoder(), pieces, { ...stored, length: into.length })) {
    done += piece.copy(into, done);
  }
  return into;
}

/**
 * Decodes an archive up to the end of a region, and yields the bytes of the region. The decoder is destroyed then. If
 * the region is compressed itself, a piece is freed once the next but one is requested; otherwise it belongs to the
 * caller.
 *
 * @param packed yields pieces of the archive; a piece may be overwritten once the next but one is requested
 * @throws DIMGX_COMPRESSION_CORRUPT, DIMGX_COMPRESSION_UNSUPPORTED, what `packed` throws, and what the decoder is
 *   destroyed with
 */
export async function* packedPieces(
  decoder: Duplex,
  packed: AsyncIterable<Uint8Array>,
  { archive, offset, length, compression }: Omit<PackedRegion<unknown>, 'file'>,
): AsyncGenerator<Buffer, void, void> {
  if (length === 0) return void decoder.destroy();
  decoder.on('error', () => {}); // of what follows the region
  const fed = feed(decoder, packed).catch((failure: Error) => void decoder.destroy(failure));
  const end = offset + length;
  let position = 0;
  /** A piece that is not needed once the next but one is requested. */
  let last: Buffer | undefined;
  try {
    for await (const decoded of unjoined(decoder)) {
      const piece = decoded.subarray(Math.max(0, offset - position), end - position);
      position += decoded.length;
      if (piece.length > 0) yield piece;
      if (last) freeMemory(last);
      last = piece.length === 0 || compression !== 'none' ? decoded : undefined;
      if (position >= end) return;
    }
    throw new Error('it ends too early');
  } catch (cause) {
    throw archiveFailure(archive.location, cause);
  } finally {
    decoder.destroy();
    await fed;
  }
}

/** Explains why an archive that is compressed as a whole cannot be decoded. Other coded errors are left as they are. */
export function archiveFailure(location: string, cause: unknown): DimgxError {
  if (!(cause instanceof DimgxError)) {
    const message = `the compressed data of ${location} is damaged or ends too early`;
    return new DimgxError('DIMGX_COMPRESSION_CORRUPT', message, { cause });
  }
  return cause.code === 'DIMGX_COMPRESSION_UNSUPPORTED' ? cause.retold(`${location}: ${cause.message}`) : cause;
}
