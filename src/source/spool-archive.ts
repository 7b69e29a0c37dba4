import type { FileHandle } from 'node:fs/promises';
import { addAbortSignal, type Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { CompressionName } from '../compression/codec.js';
import { codecOf, detectCompression, MAGIC_LENGTH } from '../compression/detect.js';
import { pieceSink } from '../compression/piece-sink.js';
import { DimgxError } from '../errors.js';
import type { SpoolWatcher } from '../image/image.js';
import type { Region } from '../image/region.js';
import type { OpenContext } from './open-context.js';
import { openSpool } from './spool.js';
import { writeAt } from './write-at.js';

/** Pipes give 64 KiB at a time: written as they come, calls would cost more than the copy. */
const WRITE_SIZE = 2 ** 20;

/**
 * Writes a stream into a spool as far as it goes, decompressed if it is compressed. The image's resources close the
 * spool.
 *
 * @param location what the stream is, printable
 * @throws DIMGX_COMPRESSION_UNSUPPORTED, DIMGX_COMPRESSION_CORRUPT, DIMGX_SOURCE_NO_SPACE, DIMGX_SOURCE_UNREADABLE,
 *   DIMGX_INSPECT_TOO_LARGE, DIMGX_ABORTED
 */
export async function spoolArchive(input: Readable, location: string, context: OpenContext): Promise<Region> {
  if (context.signal) addAbortSignal(context.signal, input);
  const pieces = piecesOf(input, location);
  try {
    const head = await headOf(pieces);
    const whole = rejoin(head, pieces);
    const decoder = decoderFor(detectCompression(head), location);
    const spool = await openSpool(context.tmpDir);
    context.resources.adopt(() => spool.close());
    const writer = new SpoolWriter(spool, location, context);
    const take = (piece: Uint8Array) => writer.add(piece);
    if (decoder) await pipeline(whole, decoder, pieceSink(take)).catch(corrupt(location));
    else for await (const piece of whole) await take(piece);
    await writer.flush();
    return { fd: spool.fd, offset: 0, length: writer.length };
  } finally {
    input.destroy();
  }
}

async function* piecesOf(input: Readable, location: string): AsyncGenerator<Buffer, void, undefined> {
  try {
    for await (const piece of input) yield piece;
  } catch (cause) {
    if (cause instanceof DimgxError) throw cause;
    if (cause instanceof Error && cause.name === 'AbortError')
      throw new DimgxError('DIMGX_ABORTED', 'cancelled', { cause });
    throw new DimgxError('DIMGX_SOURCE_UNREADABLE', `${location} cannot be read`, { cause });
  }
}

/** Enough bytes to tell the compression, or all there are. */
async function headOf(pieces: AsyncIterator<Buffer, void>): Promise<Buffer> {
  let head: Buffer = Buffer.alloc(0);
  while (head.length < MAGIC_LENGTH) {
    const { value } = await pieces.next();
    if (!value) break;
    head = Buffer.concat([head, value]);
  }
  return head;
}

async function* rejoin(head: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  yield head;
  yield* rest;
}

function decoderFor(compression: CompressionName, location: string): Transform | undefined {
  if (compression === 'none') return undefined;
  const decoder = codecOf(compression).decoder?.();
  if (decoder) return decoder;
  throw new DimgxError(
    'DIMGX_COMPRESSION_UNSUPPORTED',
    `${location} is compressed with ${compression}, which this version cannot read: decompress it first`,
  );
}

function corrupt(location: string): (failure: unknown) => never {
  return (failure) => {
    if (failure instanceof DimgxError) throw failure;
    throw new DimgxError(
      'DIMGX_COMPRESSION_CORRUPT',
      `the compressed data of ${location} is damaged or ends too early`,
      {
        cause: failure,
      },
    );
  };
}

/** Appends to a spool in large pieces and counts. */
class SpoolWriter {
  readonly #spool: FileHandle;
  readonly #location: string;
  readonly #context: OpenContext;
  readonly #watcher: SpoolWatcher | undefined;
  length = 0;
  #pending: Uint8Array[] = [];
  /** Of what is pending, in bytes. */
  #size = 0;

  constructor(spool: FileHandle, location: string, context: OpenContext) {
    this.#spool = spool;
    this.#location = location;
    this.#context = context;
    this.#watcher = context.watch?.(spool.fd);
  }

  async add(piece: Uint8Array): Promise<void> {
    this.#pending.push(piece);
    this.#size += piece.length;
    if (this.#size >= WRITE_SIZE) await this.flush();
  }

  async flush(): Promise<void> {
    const bytes = Buffer.concat(this.#pending);
    this.#pending = [];
    this.#size = 0;
    await this.#write(bytes);
  }

  async #write(bytes: Uint8Array): Promise<void> {
    const { limits, expected, onProgress } = this.#context;
    if (this.length + bytes.length > limits.maxSize) {
      throw new DimgxError('DIMGX_INSPECT_TOO_LARGE', `${this.#location} is larger than --max-size ${limits.maxSize}`);
    }
    await writeAt(this.#spool.fd, bytes, this.length);
    this.length += bytes.length;
    this.#watcher?.grown(this.length);
    const total = expected === undefined ? undefined : Math.max(expected, this.length);
    onProgress?.({ stage: 'open', item: this.#location, done: this.length, total });
  }
}
