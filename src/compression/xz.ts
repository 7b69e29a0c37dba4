import { Transform, type TransformCallback } from 'node:stream';
import type lzma from 'lzma-native';
import { DimgxError } from '../errors.js';
import type { Codec, EncoderSettings } from './codec.js';
import { loadXzEmbedded, XzDecoder } from './xz-decoder.js';

/** Several streams are read as one. The output is one stream of several blocks, with CRC64. */
export const xz: Codec = {
  magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00],
  extensions: ['.xz', '.txz'],
  levels: { lowest: 0, highest: 9, standard: 6 },
  blocksThread: true,
  loadDecoder: async () => {
    const decoder = await loadXzEmbedded();
    return (waiting) => new XzDecoder(decoder, waiting);
  },
  loadEncoder: async () => {
    const lzma = await loadLzma();
    return (settings) => new XzEncoder(lzma, settings);
  },
};

type Lzma = typeof lzma;

const KIB = 1024;
const MIB = 1024 * KIB;
/** Dictionary sizes of the levels 0 to 9, in bytes. */
const DICTIONARIES = [256 * KIB, MIB, 2 * MIB, 4 * MIB, 4 * MIB, 8 * MIB, 8 * MIB, 16 * MIB, 32 * MIB, 64 * MIB];
/** Block size in dictionaries, as in `xz -T`: smaller blocks compress worse, larger ones take more memory. */
const BLOCK = 3;
/**
 * Most memory that a thread takes, in dictionaries: eleven for the search, plus its input block and two output blocks.
 */
const THREAD = 11 + 3 * BLOCK;
const OUTPUT = 256 * KIB;

/** @throws DIMGX_COMPRESSION_UNSUPPORTED without the package, which is optional */
async function loadLzma(): Promise<Lzma> {
  try {
    return (await import('lzma-native')).default;
  } catch (cause) {
    const message =
      'writing xz needs the package lzma-native, which is missing or has no build for this system: ' +
      'npm install lzma-native, or write a plain tar and compress it with xz';
    throw new DimgxError('DIMGX_COMPRESSION_UNSUPPORTED', message, { cause });
  }
}

/**
 * The encoder of `xz -T`. Blocks have one size, so the output does not depend on the number of threads. That number is
 * limited so that the threads fit in half of the free memory.
 */
class XzEncoder extends Transform {
  readonly #stream: InstanceType<Lzma['Stream']>;
  #done: TransformCallback | undefined;

  constructor(lzma: Lzma, { level, threads }: EncoderSettings) {
    super();
    const dictionary = DICTIONARIES[level] as number;
    const stream = new lzma.Stream();
    stream.streamEncoder({
      filters: [{ id: lzma.FILTER_LZMA2, options: { preset: level } }],
      check: lzma.CHECK_CRC64,
      threads: Math.max(1, Math.min(threads, Math.floor(process.availableMemory() / 2 / (THREAD * dictionary)))),
      blockSize: Math.max(BLOCK * dictionary, MIB),
    });
    stream.setBufsize(OUTPUT);
    stream.bufferHandler = (output, taken, error) => this.#take(output, taken, error);
    this.#stream = stream;
  }

  override _transform(bytes: Buffer, _encoding: string, done: TransformCallback): void {
    this.#work(bytes, done);
  }

  override _flush(done: TransformCallback): void {
    this.#work(null, done);
  }

  /**
   * If the encoder is working, it is freed afterwards. Freeing it at once would crash the process, and waiting could
   * take half a minute.
   */
  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (this.#done) this.#done = () => this.#stream.resetUnderlying();
    else this.#stream.resetUnderlying();
    done(error);
  }

  #work(bytes: Buffer | null, done: TransformCallback): void {
    this.#done = done;
    this.#stream.code(bytes, true);
  }

  #take(output: Buffer | null | undefined, taken: number | undefined, error: Error | null | undefined): void {
    if (output && !this.destroyed) this.push(output);
    if (taken === undefined && !error) return;
    const done = this.#done;
    this.#done = undefined;
    done?.(error);
  }
}
