import { pieceBuffers, piecesOfRegion, type Region, readRegion } from '../../base/io/region.js';
import { tooLarge } from '../../base/limits.js';
import { type CompressionName, codecOf, detectCompression, MAGIC_LENGTH } from '../../compression/codecs.js';
import { decodeInto, freeMemory } from '../../compression/decode-into.js';
import { archiveFailure, type PackedArchive, type StoredRegion } from '../../compression/packed-region.js';
import { DimgxError, throwIfAborted } from '../../errors.js';
import type { OpenContext } from '../../image/image.js';
import { QUIRK, type TarEntry } from '../../tar/entry.js';
import { TYPE } from '../../tar/header.js';
import { TarStreamScan } from '../../tar/scan.js';
import type { ArchiveContents, MemberRange } from './archive-files.js';
import { KeptMembers } from './kept-members.js';

const PIECE = 2 ** 20;

/** A member whose bytes have not all come. */
interface ComingMember extends MemberRange {
  /** The first bytes, as many as a compression is detected by. */
  head: Uint8Array;
  /** Whether its bytes go into the spool of `KeptMembers`. */
  readonly isKept: boolean;
}

/**
 * An archive that is compressed as a whole, and for which there is no room decompressed. It is decoded once for its
 * headers, and again up to each member that is read. Small members are kept as long as there is room.
 */
export class PackedContents implements ArchiveContents {
  readonly #packed: Region;
  readonly #archive: PackedArchive;
  readonly #context: OpenContext;
  readonly #kept: KeptMembers;
  /** By offset in the decoded archive. */
  readonly #compressions = new Map<number, CompressionName>();
  readonly #coming: ComingMember[] = [];
  length = 0;

  constructor(packed: Region, compression: CompressionName, location: string, context: OpenContext) {
    this.#packed = packed;
    this.#archive = { location, compression, offset: packed.offset, length: packed.length };
    this.#context = context;
    this.#kept = new KeptMembers(context);
  }

  /**
   * Decodes the archive to its end.
   *
   * @throws DIMGX_COMPRESSION_*, DIMGX_TAR_*, DIMGX_LIMIT_SIZE, DIMGX_SOURCE_*, DIMGX_ABORTED
   */
  async scan(onEntry: (entry: TarEntry) => void): Promise<void> {
    const scan = new TarStreamScan((entry) => {
      onEntry(entry);
      this.#expect(entry);
    }, 'archive');
    await this.#kept.open();
    try {
      await this.#decode(async (piece) => {
        scan.push(piece);
        await this.#share(piece);
        freeMemory(piece);
      });
      scan.finish();
    } catch (failure) {
      await this.#packed.file.requireUnchanged();
      throw failure;
    }
    await this.#kept.finish();
  }

  find({ offset, length }: MemberRange): StoredRegion {
    const kept = this.#kept.find(offset);
    const compression = this.#compressions.get(offset) ?? 'none';
    return kept ?? { file: this.#packed.file, archive: this.#archive, offset, length, compression };
  }

  /** @throws DIMGX_SOURCE_NO_SPACE always: what a sparse file expands to needs room as well */
  async expand(): Promise<Region> {
    const message = `a sparse file in ${this.#archive.location} needs the archive to be decompressed into the temporary folder, and there is no room for its ${this.length} bytes`;
    throw new DimgxError('DIMGX_SOURCE_NO_SPACE', message);
  }

  async #decode(onPiece: (piece: Buffer) => Promise<void>): Promise<void> {
    const { location, compression } = this.#archive;
    const { limits, signal, onProgress } = this.#context;
    const makeDecoder = await codecOf(compression).loadDecoder();
    const { length } = this.#packed;
    const packed = piecesOfRegion(readRegion(this.#packed), length, pieceBuffers(length, PIECE));
    const take = async (piece: Buffer) => {
      throwIfAborted(signal);
      const done = this.length + piece.length;
      if (done > limits.maxSize) throw tooLarge(location, limits.maxSize);
      this.length = done;
      await onPiece(piece);
      onProgress?.({ stage: 'open', item: location, done, total: undefined });
    };
    await decodeInto(makeDecoder(), packed, take).catch((cause: unknown) => {
      throw archiveFailure(location, cause);
    });
  }

  #expect({ type, quirks, dataOffset: offset, dataSize: length }: TarEntry): void {
    const isWhole = (quirks & (QUIRK.oldSparse | QUIRK.paxSparse)) === 0;
    if (type !== TYPE.file || !isWhole) return;
    this.#coming.push({ offset, length, head: new Uint8Array(0), isKept: this.#kept.add({ offset, length }) });
  }

  /** Gives the next piece of the archive to the members that it has bytes of. */
  async #share(piece: Buffer): Promise<void> {
    const end = this.length;
    const start = end - piece.length;
    let complete = 0;
    for (const member of this.#coming) {
      const stop = member.offset + member.length;
      const part = piece.subarray(Math.max(0, member.offset - start), Math.max(0, Math.min(stop, end) - start));
      if (member.head.length < MAGIC_LENGTH) {
        member.head = Buffer.concat([member.head, part.subarray(0, MAGIC_LENGTH - member.head.length)]);
      }
      if (member.isKept) await this.#kept.append(part);
      if (stop > end) break;
      this.#compressions.set(member.offset, detectCompression(member.head));
      complete++;
    }
    this.#coming.splice(0, complete);
  }
}
