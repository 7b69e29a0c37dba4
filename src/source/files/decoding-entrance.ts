import { handledLater } from '../../base/call/deferred.js';
import { mapFailures, type OnPiece, streamSource } from '../../base/io/byte-source.js';
import type { Region } from '../../base/io/region.js';
import { isNoSpace } from '../../base/io/spool.js';
import { type CompressionName, codecOf } from '../../compression/codecs.js';
import { archiveFailure } from '../../compression/packed-region.js';
import { DimgxError } from '../../errors.js';
import type { OpenContext } from '../../image/image.js';
import { ArchiveSpool } from './archive-spool.js';

/** Where the pieces of a source go. */
export interface Entrance {
  readonly append: OnPiece;
  /** Call once, after the last piece. */
  flush(): Promise<void>;
  destroy?(failure?: Error): void;
}

/** Decompresses pieces into a spool. */
export async function openDecoding(
  compression: CompressionName,
  plain: ArchiveSpool,
  location: string,
): Promise<Entrance> {
  const makeDecoder = await codecOf(compression).loadDecoder();
  const decoder = makeDecoder();
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
export class Tee implements Entrance {
  readonly #decoding: Entrance;
  readonly #plain: ArchiveSpool;
  readonly #stored: ArchiveSpool;
  /** Set once the decompressed bytes are given up; resolves when their space is free. */
  #dropping: Promise<void> | undefined;

  /** @throws DIMGX_SOURCE_NO_SPACE, DIMGX_TOO_MANY_FILES */
  static async open(decoding: Entrance, plain: ArchiveSpool, location: string, context: OpenContext): Promise<Tee> {
    const makeRoom = async (): Promise<boolean> => {
      if (tee.#dropping) return false;
      await tee.#drop();
      return true;
    };
    const unwatched = { ...context, watch: undefined, expected: undefined };
    const tee: Tee = new Tee(decoding, plain, await ArchiveSpool.open(unwatched, { location, makeRoom }));
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
  async #drop(): Promise<void> {
    this.#stored.isReported = true;
    this.#dropping ??= this.#plain.drop();
    // With an error: a stream that is destroyed without one just as it ends may leave its reader waiting.
    this.#decoding.destroy?.(new DimgxError('DIMGX_SOURCE_NO_SPACE', 'the compressed bytes need the room'));
    await this.#dropping;
  }
}
