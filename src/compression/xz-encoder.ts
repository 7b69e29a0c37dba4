import { Transform, type TransformCallback } from 'node:stream';
import type lzma from 'lzma-native';
import { DimgxError } from '../errors.js';
import type { EncoderSettings } from './codec.js';

export type Lzma = typeof lzma;

const KIB = 1024;
const MIB = 1024 * KIB;
/** Dictionaries of the levels 0 to 9, in bytes. */
const DICTIONARIES = [256 * KIB, MIB, 2 * MIB, 4 * MIB, 4 * MIB, 8 * MIB, 8 * MIB, 16 * MIB, 32 * MIB, 64 * MIB];
/** In dictionaries, as `xz -T` has it: less compresses worse, more takes memory. */
const BLOCK = 3;
/** What a thread takes at most, in dictionaries: eleven to search in, its block, and two that come out. */
const THREAD = 11 + 3 * BLOCK;
const OUTPUT = 256 * KIB;

/** @throws DIMGX_COMPRESSION_UNSUPPORTED without the package, which is an optional one */
export async function loadLzma(): Promise<Lzma> {
  try {
    return (await import('lzma-native')).default;
  } catch (cause) {
    const message =
      'writing xz needs the package lzma-native, which is missing or has no build for this system: ' +
      'npm install lzma-native, or pipe -t - into xz';
    throw new DimgxError('DIMGX_COMPRESSION_UNSUPPORTED', message, { cause });
  }
}

/**
 * The encoder of `xz -T`: blocks of one size, which make the same bytes whatever the number of threads. There are no more
 * of these than half of the memory that is free is enough for.
 */
export class XzEncoder extends Transform {
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

  /** What is worked on is freed afterwards: under way it would end the process, and it may take half a minute. */
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
