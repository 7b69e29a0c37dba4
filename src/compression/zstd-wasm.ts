import { ZSTDDecoder } from 'zstddec/stream';
import { Converter } from './converter.js';
import type { MakeFrameDecoder } from './zstd-decoder.js';

/** Each step gives something or gets to the next piece, but when the library has refused what it got. */
const MOST_IDLE = 4;

/**
 * Decodes zstd where node:zlib cannot. The library works in the thread that calls it, and tells an error by giving nothing for
 * ever. What a stream that is left early has of its memory is not given back to it: a window, 128 MiB at most.
 */
export async function loadWasmDecoder(): Promise<MakeFrameDecoder> {
  const library = new ZSTDDecoder();
  await library.init();
  return () => new WasmDecoder(library);
}

class WasmDecoder extends Converter {
  readonly #pieces: Buffer[] = [];
  readonly #plain: Iterator<Uint8Array>;
  #isEnded = false;
  #idle = 0;

  constructor(library: ZSTDDecoder) {
    super();
    this.#plain = library.decodeStreaming(this.#source());
  }

  /** The library takes the next piece without a word when it is done with the last: it is only run while there is one. */
  protected override async accept(bytes: Buffer): Promise<void> {
    this.#pieces.push(bytes);
    while (this.#pieces.length > 0 && !this.destroyed) await this.#step();
  }

  protected override async finish(): Promise<void> {
    this.#isEnded = true;
    while (!this.destroyed && (await this.#step()));
  }

  /** @returns whether there is more to come */
  async #step(): Promise<boolean> {
    const { done, value } = this.#plain.next();
    if (done) return false;
    if (value.length > 0) this.#idle = 0;
    if (++this.#idle > MOST_IDLE) throw new Error('invalid data, or a wrong checksum');
    if (value.length > 0) await this.put(value);
    return true;
  }

  *#source(): Generator<Buffer> {
    for (let piece = this.#pieces.shift(); piece; piece = this.#pieces.shift()) {
      this.#idle = 0;
      yield piece;
    }
    if (!this.#isEnded) throw new Error('the zstd library was asked for more than it has');
  }
}
