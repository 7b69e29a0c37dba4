import { type ByteSource, mapFailures } from '../../base/io/byte-source.js';
import type { Region } from '../../base/io/region.js';
import { isNoSpace } from '../../base/io/spool.js';
import { spoolRoom } from '../../base/io/spool-room.js';
import { type CompressionName, detectCompression, MAGIC_LENGTH } from '../../compression/codecs.js';
import { abortedBy, DimgxError } from '../../errors.js';
import type { OpenContext } from '../../image/image.js';
import { ArchiveSpool } from './archive-spool.js';
import { type Entrance, openDecoding, Tee } from './decoding-entrance.js';
import { type ArchivePlace, refuseForeign } from './foreign-file.js';

/** An archive that can be read again. */
export interface SpooledArchive {
  readonly archive: Region;
  /** The compression that the source had. */
  readonly compression: CompressionName;
  /** Whether the archive still has that compression, because there is no room for it decompressed. */
  readonly isPacked: boolean;
}

/**
 * Writes everything that a source delivers into a spool, decompressed if it is compressed and there is room. The rule:
 * decompressed, it takes at most half of the space that was free in the temporary folder at the beginning. If it takes
 * more, it stays compressed: where it is stored, or else in a spool. The image's resources close the spools.
 *
 * @param place where the archive comes from
 * @param stored the compressed archive that the source reads, if it can be read again
 * @throws DIMGX_TAR_NOT_A_TAR, as soon as the first bytes show it; DIMGX_COMPRESSION_UNSUPPORTED,
 *   DIMGX_COMPRESSION_CORRUPT, DIMGX_SOURCE_NO_SPACE, DIMGX_SOURCE_UNREADABLE, DIMGX_LIMIT_SIZE, DIMGX_ABORTED
 */
export async function spoolArchive(
  source: ByteSource,
  place: ArchivePlace,
  context: OpenContext,
  stored?: Omit<SpooledArchive, 'isPacked'>,
): Promise<SpooledArchive> {
  const { bytes: room } = await spoolRoom(context.tmpDir);
  if (!stored) return new Spooling(place, context, room).run(source, true);
  const packed = { ...stored, isPacked: true };
  if (stored.archive.length > room) return packed;
  return new Spooling(place, context, room).run(source, false).catch((failure: unknown) => {
    if (isNoSpace(failure)) return packed;
    throw failure;
  });
}

/** Spools one archive. */
class Spooling {
  readonly #place: ArchivePlace;
  readonly #context: OpenContext;
  readonly #room: number;
  #compression: CompressionName = 'none';
  #tee: Tee | undefined;

  /** @param room maximum length of an archive that is decompressed, in bytes */
  constructor(place: ArchivePlace, context: OpenContext, room: number) {
    this.#place = place;
    this.#context = context;
    this.#room = room;
  }

  /** @param isOnce whether the source can be read only once, so that it has to be stored if it is not decompressed */
  async run(source: ByteSource, isOnce: boolean): Promise<SpooledArchive> {
    const { location } = this.#place;
    const coded = mapFailures(source, (cause) => sourceError(cause, location, this.#context.signal));
    const check = (begin: Uint8Array) => refuseForeign(begin, { ...this.#place, compression: this.#compression });
    let spool: ArchiveSpool | undefined;
    let entrance: Entrance | undefined;
    try {
      const plain = await ArchiveSpool.open(this.#context, { location, check });
      spool = plain;
      let head: Buffer = Buffer.alloc(0);
      const begin = async () => {
        entrance = await this.#enter(plain, detectCompression(head), isOnce);
        await entrance.append(head);
        return entrance;
      };
      await coded.forEachPiece((piece) => {
        if (entrance) return entrance.append(piece);
        head = Buffer.concat([head, piece]);
        return head.length < MAGIC_LENGTH ? undefined : begin().then(() => undefined);
      });
      await (entrance ?? (await begin())).flush();
      const packed = this.#tee?.packed;
      return { archive: packed ?? plain.region, compression: this.#compression, isPacked: packed !== undefined };
    } catch (failure) {
      if (isNoSpace(failure)) await spool?.drop();
      throw failure;
    } finally {
      source.destroy();
      entrance?.destroy?.();
    }
  }

  async #enter(plain: ArchiveSpool, compression: CompressionName, isOnce: boolean): Promise<Entrance> {
    const { location } = this.#place;
    this.#compression = compression;
    if (compression === 'none') return plain;
    plain.room = this.#room;
    const decoding = await openDecoding(compression, plain, location);
    if (!isOnce) return decoding;
    this.#tee = await Tee.open(decoding, plain, location, this.#context);
    return this.#tee;
  }
}

function sourceError(cause: unknown, location: string, signal: AbortSignal | undefined): DimgxError {
  if (cause instanceof DimgxError) return cause;
  if (signal?.aborted) return abortedBy(signal);
  return new DimgxError('DIMGX_SOURCE_UNREADABLE', `${location} cannot be read`, { cause });
}
