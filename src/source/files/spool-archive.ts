import type { Duplex } from 'node:stream';
import { handledLater } from '../../base/call/deferred.js';
import { type ByteSource, mapFailures, type OnPiece, streamSource } from '../../base/io/byte-source.js';
import type { Region } from '../../base/io/region.js';
import { isNoSpace } from '../../base/io/spool.js';
import { spoolRoom } from '../../base/io/spool-room.js';
import { type CompressionName, codecOf, detectCompression, MAGIC_LENGTH } from '../../compression/codecs.js';
import { archiveFailure } from '../../compression/packed-region.js';
import { abortedBy, DimgxError } from '../../errors.js';
import type { OpenContext } from '../../image/image.js';
import { ArchiveSpool } from './archive-spool.js';
import { type ArchivePlace, refuseForeign } from './foreign-file.js';

/** Where the pieces of a source go. */
interface Entrance {
  readonly append: OnPiece;
  /** Call once, after the last piece. */
  flush(): Promise<void>;
  destroy?(failure?: Error): void;
}

/** An archive that can be read again. */
export interface SpooledArchive {
  readonly archive: Region;
  /** The compression that the source had. */
  readonly compression: CompressionName;
  /** Whether the archive has that compression still, because there is no room for it decompressed. */
  readonly isPacked: boolean;
}

/**
 * Writes everything that a source delivers into a spool, decompressed if it is compressed and there is room. The rule:
 * decompressed, it takes at most half of the space that was free in the temporary folder at the beginning. If it takes
 * more, it stays compressed: in a spool of its own, or where it is stored. The image's resources close the spools.
 *
 * @param place where the archive comes from
 * @param stored a compressed archive that can be read again where it is, and that the source reads
 * @throws DIMGX_TAR_NOT_A_TAR, as soon as the first bytes show it; DIMGX_COMPRESSION_UNSUPPORTED,
 *   DIMGX_COMPRESSION_CORRUPT, DIMGX_SOURCE_NO_SPACE, DIMGX_SOURCE_UNREADABLE, DIMGX_LIMIT_SIZE, DIMGX_ABORTED
 */
export async function spoolArchive(
  source: ByteSource,
  place: ArchivePlace,
  context: OpenContext,
  stored?: PackedFile,
): Promise<SpooledArchive> {
  const { location } = place;
  const { signal } = context;
  const coded = mapFailures(source, (cause) => sourceError(cause, location, signal));
  let spool: ArchiveSpool | undefined;
  let entrance: Entrance | undefined;
  let compression: CompressionName = 'none';
  try {
    const { bytes: room } = await spoolRoom(context.tmpDir);
    if (stored && stored.archive.length > room) return { ...stored, isPacked: true };
    const plain = await ArchiveSpool.open(context, {
      location,
      check: (begin) => refuseForeign(begin, { ...place, compression }),
    });
    spool = plain;
    let tee: Tee | undefined;
    let head: Buffer = Buffer.alloc(0);
    const begin = async () => {
      compression = detectCompression(head);
      if (compression === 'none') entrance = plain;
      else {
        plain.room = room;
        const decoding = decodingEntrance((await codecOf(compression).loadDecoder())(), plain, location);
        entrance = decoding;
        if (!stored) entrance = tee = await Tee.open(decoding, plain, location, context);
      }
      await entrance.append(head);
      return entrance;
    };
    await coded.forEachPiece((piece) => {
      if (entrance) return entrance.append(piece);
      head = Buffer.concat([head, piece]);
      return head.length < MAGIC_LENGTH ? undefined : begin().then(() => undefined);
    });
    await (entrance ?? (await begin())).flush();
    const packed = tee?.packed;
    return { archive: packed ?? plain.region, compression, isPacked: packed !== undefined };
  } catch (failure) {
    if (!stored || !isNoSpace(failure)) throw failure;
    await spool?.drop();
    return { ...stored, isPacked: true };
  } finally {
    source.destroy();
    entrance?.destroy?.();
  }
}

/** A compressed archive that is a file. */
type PackedFile = Pick<SpooledArchive, 'archive' | 'compression'>;

function decodingEntrance(decoder: Duplex, plain: ArchiveSpool, location: string): Entrance {
  const contents = mapFailures(streamSource(decoder), (cause) => archiveFailure(location, cause));
  const decoded = handledLater(contents.forEachPiece(plain.append));
  const drained = () => new Promise<void>((resolve) => decoder.once('drain', resolve));
  return {
    // the source may reuse the memory of a piece before the decoder has consumed it
    append: (piece) => (decoder.write(Buffer.from(piece)) ? undefined : Promise.race([drained(), decoded])),
    flush: async () => {
      decoder.end();
      await decoded;
      await plain.flush();
    },
    destroy: (failure) => decoder.destroy(failure),
  };
}

/**
 * Decompresses a stream while there is room, and stores it as it comes, too, because it can be read only once. What is
 * not needed in the end is dropped: the stored bytes, or the decompressed ones.
 */
class Tee implements Entrance {
  readonly #decoding: Entrance;
  readonly #plain: ArchiveSpool;
  readonly #stored: ArchiveSpool;
  #dropping: Promise<void> | undefined;

  static async open(decoding: Entrance, plain: ArchiveSpool, location: string, context: OpenContext): Promise<Tee> {
    const makeRoom = async (): Promise<boolean> => tee.#dropping === undefined && tee.#drop();
    const stored = await ArchiveSpool.open(
      { ...context, watch: undefined, expected: undefined },
      { location, makeRoom },
    );
    const tee: Tee = new Tee(decoding, plain, stored);
    return tee;
  }

  private constructor(decoding: Entrance, plain: ArchiveSpool, stored: ArchiveSpool) {
    this.#decoding = decoding;
    this.#plain = plain;
    this.#stored = stored;
    stored.isReported = false;
  }

  /** The stored bytes, if there was no room for the decompressed ones. */
  get packed(): Region | undefined {
    return this.#dropping && this.#stored.region;
  }

  readonly append: OnPiece = (piece) => {
    const stored = this.#stored.append(piece);
    const decoded = this.#dropping ? undefined : this.#decoding.append(piece);
    if (!stored && !decoded) return undefined;
    return Promise.all([stored, decoded && this.#orDrop(decoded)]).then(() => undefined);
  };

  async flush(): Promise<void> {
    if (!this.#dropping) await this.#orDrop(this.#decoding.flush());
    if (this.#dropping) await this.#stored.flush();
    else await this.#stored.drop();
  }

  destroy(): void {
    this.#decoding.destroy?.();
  }

  async #orDrop(decoded: Promise<void>): Promise<void> {
    try {
      await decoded;
    } catch (failure) {
      if (!isNoSpace(failure)) throw failure;
      await this.#drop();
    }
  }

  /** Goes on without the decompressed bytes. */
  async #drop(): Promise<true> {
    this.#stored.isReported = true;
    this.#dropping ??= this.#plain.drop();
    this.#decoding.destroy?.(new DimgxError('DIMGX_SOURCE_NO_SPACE', 'the stored bytes need the room'));
    await this.#dropping;
    return true;
  }
}

function sourceError(cause: unknown, location: string, signal: AbortSignal | undefined): DimgxError {
  if (cause instanceof DimgxError) return cause;
  if (signal?.aborted) return abortedBy(signal);
  return new DimgxError('DIMGX_SOURCE_UNREADABLE', `${location} cannot be read`, { cause });
}
