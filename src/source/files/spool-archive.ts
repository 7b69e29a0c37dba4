import type { Duplex } from 'node:stream';
import { type ByteSource, explained, streamSource, type Take } from '../../base/io/byte-source.js';
import type { DescriptorFile } from '../../base/io/held-file.js';
import type { Region } from '../../base/io/region.js';
import { openSpool, spoolFile, writeAt } from '../../base/io/spool.js';
import type { CompressionName } from '../../compression/codec.js';
import { codecOf, detectCompression, MAGIC_LENGTH } from '../../compression/detect.js';
import { abortedBy, DimgxError } from '../../errors.js';
import type { OpenContext, SpoolWatcher } from '../../image/image.js';
import { type ArchivePlace, refuseForeign } from './foreign-file.js';

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

/**
 * In bytes. Pipes and sockets deliver at most 64 KiB at a time. Writing each piece at once would cost more in calls
 * than copying it does.
 */
const WRITE_SIZE = 2 ** 20;

/** Appends to a spool. Pieces are copied into one of two buffers; one is filled while the other is written. */
class SpoolSink {
  readonly #spool: DescriptorFile;
  readonly #location: string;
  readonly #context: OpenContext;
  readonly #watcher: SpoolWatcher | undefined;
  readonly #check: (head: Uint8Array) => void;
  #filling = Buffer.allocUnsafeSlow(WRITE_SIZE);
  #spare = Buffer.allocUnsafeSlow(WRITE_SIZE);
  /** Number of bytes in the buffer being filled. */
  #filled = 0;
  /** Settles when the spare buffer has been written. */
  #written: Promise<void> = Promise.resolve();
  /** Length of the spool, in bytes. */
  length = 0;

  /**
   * @param location name of what is spooled, printable
   * @param check receives the first bytes, up to 1 MiB, before they are written; an error that it throws ends the
   *   spooling
   */
  constructor(spool: DescriptorFile, location: string, context: OpenContext, check: (head: Uint8Array) => void) {
    this.#spool = spool;
    this.#location = location;
    this.#context = context;
    this.#check = check;
    this.#watcher = context.watch?.(spool);
  }

  /**
   * @returns `undefined` if the piece has been copied; otherwise the piece is needed until the promise resolves
   * @throws DIMGX_SOURCE_NO_SPACE, DIMGX_INSPECT_TOO_LARGE: the promise rejects with them
   */
  readonly take = (piece: Buffer): Promise<void> | undefined => {
    const copied = piece.copy(this.#filling, this.#filled);
    this.#filled += copied;
    if (this.#filled < WRITE_SIZE) return undefined;
    return this.#turn().then(() => this.take(piece.subarray(copied)));
  };

  /** Writes the rest. @throws as `take` */
  async finish(): Promise<void> {
    await this.#turn();
    await this.#written;
  }

  /** Starts writing the filled buffer once the other one has been written. */
  async #turn(): Promise<void> {
    await this.#written;
    const full = this.#filling;
    this.#written = this.#append(full.subarray(0, this.#filled));
    this.#written.catch(() => undefined); // the next `await this.#written` rethrows it
    this.#filling = this.#spare;
    this.#spare = full;
    this.#filled = 0;
  }

  async #append(bytes: Uint8Array): Promise<void> {
    const { limits, expected, onProgress } = this.#context;
    if (this.length === 0) this.#check(bytes);
    if (this.length + bytes.length > limits.maxSize) {
      throw new DimgxError('DIMGX_INSPECT_TOO_LARGE', `${this.#location} is larger than --max-size ${limits.maxSize}`);
    }
    const fd = await this.#spool.hold();
    try {
      await writeAt(fd, bytes, this.length);
    } finally {
      this.#spool.release();
    }
    this.length += bytes.length;
    this.#watcher?.grown(this.length);
    const total = expected === undefined ? undefined : Math.max(expected, this.length);
    onProgress?.({ stage: 'open', item: this.#location, done: this.length, total });
  }
}
