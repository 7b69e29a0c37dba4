import type { XzEmbedded } from 'xz-decompress';
import { DimgxError } from '../errors.js';
import { loadPackage } from './codec.js';
import { Converter } from './converter.js';

/** Results of xz-embedded, from `enum xz_ret`. */
const OK = 0;
const STREAM_END = 1;
const FAILURES: Readonly<Record<number, string>> = {
  3: 'not enough memory for its dictionary',
  5: 'data other than a stream follows',
  7: 'the data or a checksum is wrong',
  8: 'it ends too early, or other data follows',
};
const REFUSALS: Readonly<Record<number, string>> = {
  2: 'has a check other than CRC32 and CRC64',
  4: 'needs a dictionary of more than 64 MiB',
  6: 'has a filter other than LZMA2, or a check other than CRC32 and CRC64',
};

/**
 * Indexes of the 32-bit numbers in the decoder's state: the size of its buffers; then, for the input and for the
 * output, the address, how far it has been processed, and the length.
 */
const SIZE = 0;
const INPUT = 1;
const INPUT_POSITION = 2;
const INPUT_LENGTH = 3;
const OUTPUT = 4;
const OUTPUT_POSITION = 5;
const NUMBERS = 7;

/** Loads a decoder with its own memory. @throws as `loadPackage` */
export async function loadXzEmbedded(): Promise<XzEmbedded> {
  const { XzReadableStream } = (await loadPackage('xz-decompress', () => import('xz-decompress'))).default;
  await XzReadableStream._getModuleInstance();
  return XzReadableStream._moduleInstance.exports;
}

/**
 * Decodes all streams of an xz file, including the zeros between them. xz-embedded refuses dictionaries larger than
 * those of `xz -9` before it allocates them, and checks the index of each stream against the blocks before it.
 */
export class XzDecoder extends Converter {
  readonly #xz: XzEmbedded;
  readonly #context: number;

  constructor(xz: XzEmbedded, waiting?: number) {
    super(waiting);
    this.#xz = xz;
    this.#context = xz.create_context();
  }

  /** All decoders of a thread share the memory of one module, which never shrinks. */
  get memory(): number {
    return this.#xz.memory.buffer.byteLength;
  }

  protected override async accept(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length && !this.destroyed; ) {
      at += this.#supply(bytes.subarray(at));
      await this.#decode();
    }
  }

  protected override async finish(): Promise<void> {
    this.#xz.supply_input(this.#context, 0);
    while (!(await this.#decode()));
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#xz.destroy_context(this.#context);
    done(error);
  }

  get #state(): Uint32Array {
    return new Uint32Array(this.#xz.memory.buffer, this.#context, NUMBERS);
  }

  /** @returns number of bytes taken */
  #supply(bytes: Buffer): number {
    const { [SIZE]: size = 0, [INPUT]: address = 0 } = this.#state;
    const taken = bytes.subarray(0, size);
    new Uint8Array(this.#xz.memory.buffer, address, size).set(taken);
    this.#xz.supply_input(this.#context, taken.length);
    return taken.length;
  }

  /** Puts out all output until the decoder wants input. @returns whether it has reached its end */
  async #decode(): Promise<boolean> {
    for (;;) {
      const result = this.#xz.get_next_output(this.#context);
      const state = this.#state;
      const { [OUTPUT]: address = 0, [OUTPUT_POSITION]: length = 0 } = state;
      const isDone = length !== state[SIZE] && state[INPUT_POSITION] === state[INPUT_LENGTH];
      state[OUTPUT_POSITION] = 0;
      if (length > 0) await this.put(Buffer.from(new Uint8Array(this.#xz.memory.buffer, address, length)));
      if (result === STREAM_END || this.destroyed) return true;
      if (result !== OK) throw failure(result);
      if (isDone) return false;
    }
  }
}

function failure(result: number): Error {
  const refusal = REFUSALS[result];
  if (refusal === undefined) return new Error(FAILURES[result] ?? `its decoder failed (${result})`);
  const message = `its xz data ${refusal}: recompress it with plain xz`;
  return new DimgxError('DIMGX_COMPRESSION_UNSUPPORTED', message);
}
