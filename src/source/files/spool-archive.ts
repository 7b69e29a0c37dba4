import type { Duplex } from 'node:stream';
import { type ByteSource, explained, streamSource, type Take } from '../../base/io/byte-source.js';
import type { Region } from '../../base/io/region.js';
import { openSpool, spoolFile } from '../../base/io/spool.js';
import type { CompressionName } from '../../compression/codec.js';
import { codecOf, detectCompression, MAGIC_LENGTH } from '../../compression/detect.js';
import { abortedBy, DimgxError } from '../../errors.js';
import type { OpenContext } from '../../image/open-context.js';
import { type ArchivePlace, refuseForeign } from './foreign-file.js';
import { SpoolSink } from './spool-sink.js';

/** Where pieces go. */
interface Sink {
  readonly take: Take;
  finish(): Promise<void>;
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
 *   DIMGX_COMPRESSION_CORRUPT, DIMGX_SOURCE_NO_SPACE, DIMGX_SOURCE_UNREADABLE, DIMGX_INSPECT_TOO_LARGE, DIMGX_ABORTED
 */
export async function spoolArchive(
  source: ByteSource,
  place: ArchivePlace,
  context: OpenContext,
): Promise<SpooledArchive> {
  const { location } = place;
  const { signal } = context;
  const coded = explained(source, (cause) => sourceError(cause, location, signal));
  let sink: Sink | undefined;
  try {
    const spool = spoolFile(await openSpool(context.tmpDir));
    context.resources.adoptFile(spool);
    let compression: CompressionName = 'none';
    const check = (begin: Uint8Array) => refuseForeign(begin, { ...place, compression });
    const plain = new SpoolSink(spool, location, context, check);
    let head: Buffer = Buffer.alloc(0);
    const begin = async () => {
      compression = detectCompression(head);
      sink = await sinkFor(compression, plain, location);
      await sink.take(head);
      return sink;
    };
    await coded.pump((piece) => {
      if (sink) return sink.take(piece);
      head = Buffer.concat([head, piece]);
      return head.length < MAGIC_LENGTH ? undefined : begin().then(() => undefined);
    });
    await (sink ?? (await begin())).finish();
    return { archive: { file: spool, offset: 0, length: plain.length }, compression };
  } finally {
    source.destroy();
    sink?.destroy?.();
  }
}

async function sinkFor(compression: CompressionName, plain: SpoolSink, location: string): Promise<Sink> {
  if (compression === 'none') return plain;
  const makeDecoder = await codecOf(compression).decoder();
  return decodingSink(makeDecoder(), plain, location);
}

function decodingSink(decoder: Duplex, plain: SpoolSink, location: string): Sink {
  const contents = explained(streamSource(decoder), (cause) => {
    if (cause instanceof DimgxError) return cause.retold(`${location}: ${cause.message}`);
    const message = `the compressed data of ${location} is damaged or ends too early`;
    return new DimgxError('DIMGX_COMPRESSION_CORRUPT', message, { cause });
  });
  const decoded = contents.pump(plain.take);
  decoded.catch(() => undefined); // `take` and `finish` rethrow it
  const drained = () => new Promise<void>((resolve) => decoder.once('drain', resolve));
  return {
    // the source may reuse the memory of a piece before the decoder has consumed it
    take: (piece) => (decoder.write(Buffer.from(piece)) ? undefined : Promise.race([drained(), decoded])),
    finish: async () => {
      decoder.end();
      await decoded;
      await plain.finish();
    },
    destroy: () => decoder.destroy(),
  };
}

function sourceError(cause: unknown, location: string, signal: AbortSignal | undefined): DimgxError {
  if (cause instanceof DimgxError) return cause;
  if (signal?.aborted) return abortedBy(signal);
  return new DimgxError('DIMGX_SOURCE_UNREADABLE', `${location} cannot be read`, { cause });
}
