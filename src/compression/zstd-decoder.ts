import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { Converter } from './converter.js';
import { ZstdFrames } from './zstd-frames.js';

/** Decodes what is written to it: frames, never parts of two at once. */
export type MakeFrameDecoder = () => Duplex;

/** Reads all frames of a stream, and refuses what is not whole, or nothing but frames. */
export class ZstdDecoder extends Converter {
  readonly #frames = new ZstdFrames();
  readonly #decoder: Duplex;
  #hasBegun = false;

  constructor(makeFrameDecoder: MakeFrameDecoder) {
    super();
    this.#decoder = makeFrameDecoder();
    this.#decoder.on('data', (plain: Buffer) => {
      if (!this.push(plain)) this.#decoder.pause();
    });
    this.#decoder.on('error', (error) => this.destroy(error));
  }

  protected override async accept(bytes: Buffer): Promise<void> {
    for (const part of this.#frames.parts(bytes)) await this.#decode(part);
  }

  protected override async finish(): Promise<void> {
    this.#frames.finish();
    if (!this.#hasBegun) return;
    this.#decoder.end();
    await once(this.#decoder, 'end');
  }

  override _read(): void {
    this.#decoder.resume();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#decoder.destroy();
    done(error);
  }

  #decode(part: Buffer): Promise<void> {
    this.#hasBegun = true;
    return new Promise((resolve, reject) => {
      this.#decoder.write(part, (error) => (error ? reject(error) : resolve()));
    });
  }
}
