import type { Duplex } from 'node:stream';
import { handledLater } from '../../base/call/deferred.js';
import { Appender } from '../../base/io/appender.js';
import { type ByteSource, mapFailures, type OnPiece, streamSource } from '../../base/io/byte-source.js';
import type { DescriptorFile } from '../../base/io/held-file.js';
import type { Region } from '../../base/io/region.js';
import { openSpool, spoolFile, tellNeed, writeAt } from '../../base/io/spool.js';
import { formatSize } from '../../base/limits.js';
import { type CompressionName, codecOf, detectCompression, MAGIC_LENGTH } from '../../compression/codecs.js';
import { abortedBy, DimgxError } from '../../errors.js';
import type { OpenContext } from '../../image/image.js';
import { type ArchivePlace, refuseForeign } from './foreign-file.js';

/** Appends to the spool, directly or through a decoder. */
interface SpoolEntrance {
  readonly append: OnPiece;
  /** Call once, after the last piece. */
  flush(): Promise<void>;
  destroy?(): void;
}

/** An archive that can be read by position. */
export interface SpooledArchive {
  readonly archive: Region;
  /** The compression that the source had. */
  readonly compression: CompressionName;
}

/**
 * Writes everything that a source delivers into a spool, decompressed if it is compressed. The image's resources close
 * the spool.
 *
 * @param place where the archive comes from
 * @throws DIMGX_TAR_NOT_A_TAR, as soon as the first bytes show it; DIMGX_COMPRESSION_UNSUPPORTED,
 *   DIMGX_COMPRESSION_CORRUPT, DIMGX_SOURCE_NO_SPACE, DIMGX_SOURCE_UNREADABLE, DIMGX_LIMIT_SIZE, DIMGX_ABORTED
 */
export async function spoolArchive(
  source: ByteSource,
  place: ArchivePlace,
  context: OpenContext,
): Promise<SpooledArchive> {
  const { location } = place;
  const { signal } = context;
  const coded = mapFailures(source, (cause) => sourceError(cause, location, signal));
  let entrance: SpoolEntrance | undefined;
  try {
    const spool = spoolFile(await openSpool(context.tmpDir));
    context.resources.adoptFile(spool);
    let compression: CompressionName = 'none';
    const check = (begin: Uint8Array) => refuseForeign(begin, { ...place, compression });
    const plain = spoolAppender(spool, location, context, check);
    let head: Buffer = Buffer.alloc(0);
    const begin = async () => {
      compression = detectCompression(head);
      entrance = await entranceFor(compression, plain, location);
      await entrance.append(head);
      return entrance;
    };
    await coded.forEachPiece((piece) => {
      if (entrance) return entrance.append(piece);
      head = Buffer.concat([head, piece]);
      return head.length < MAGIC_LENGTH ? undefined : begin().then(() => undefined);
    });
    await (entrance ?? (await begin())).flush();
    return { archive: { file: spool, offset: 0, length: plain.length }, compression };
  } finally {
    source.destroy();
    entrance?.destroy?.();
  }
}

async function entranceFor(compression: CompressionName, plain: Appender, location: string): Promise<SpoolEntrance> {
  if (compression === 'none') return plain;
  const makeDecoder = await codecOf(compression).loadDecoder();
  return decodingEntrance(makeDecoder(), plain, location);
}

function decodingEntrance(decoder: Duplex, plain: Appender, location: string): SpoolEntrance {
  const contents = mapFailures(streamSource(decoder), (cause) => {
    if (cause instanceof DimgxError) return cause.retold(`${location}: ${cause.message}`);
    const message = `the compressed data of ${location} is damaged or ends too early`;
    return new DimgxError('DIMGX_COMPRESSION_CORRUPT', message, { cause });
  });
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
    destroy: () => decoder.destroy(),
  };
}

function sourceError(cause: unknown, location: string, signal: AbortSignal | undefined): DimgxError {
  if (cause instanceof DimgxError) return cause;
  if (signal?.aborted) return abortedBy(signal);
  return new DimgxError('DIMGX_SOURCE_UNREADABLE', `${location} cannot be read`, { cause });
}

/**
 * Appends to a spool.
 *
 * @param location name of what is spooled, printable
 * @param check receives the first bytes, up to 1 MiB, before they are written; an error that it throws ends the
 *   spooling
 * @throws DIMGX_SOURCE_NO_SPACE, DIMGX_LIMIT_SIZE: `append` and `flush` reject with them
 */
function spoolAppender(
  spool: DescriptorFile,
  location: string,
  { limits, expected, onProgress, watch }: OpenContext,
  check: (head: Uint8Array) => void,
): Appender {
  const watcher = watch?.(spool);
  const write = async (bytes: Uint8Array, position: number) => {
    const length = position + bytes.length;
    if (position === 0) check(bytes);
    if (length > limits.maxSize) {
      throw new DimgxError('DIMGX_LIMIT_SIZE', `${location} is larger than ${formatSize(limits.maxSize)}`);
    }
    const fd = await spool.hold();
    try {
      await writeAt(fd, bytes, position);
    } catch (failure) {
      const more = expected === undefined ? 'more than' : `about ${Math.max(expected, length)} bytes, and more than`;
      throw tellNeed(failure, `${location} takes ${more} ${position} bytes`);
    } finally {
      spool.release();
    }
    watcher?.grown(length);
    const total = expected === undefined ? undefined : Math.max(expected, length);
    onProgress?.({ stage: 'open', item: location, done: length, total });
  };
  return new Appender({ write });
}
