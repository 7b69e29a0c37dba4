import type { Duplex } from 'node:stream';
import { WrappingConverter } from './wrapping-converter.js';
import { ZstdFrames } from './zstd-frames.js';

/** Makes a decoder for frames. No write to it contains parts of two frames. */
export type MakeFrameDecoder = () => Duplex;

/** Reads all frames of a stream. It refuses truncated input, and anything that is not a frame. */
export class ZstdDecoder extends WrappingConverter {
  readonly #frames = new ZstdFrames();
  #hasBegun = false;

  constructor(makeFrameDecoder: MakeFrameDecoder) {
    super(makeFrameDecoder());
  }

  protected override async accept(bytes: Buffer): Promise<void> {
    for (const part of this.#frames.parts(bytes)) await this.#decode(part);
  }

  protected override async finish(): Promise<void> {
    this.#frames.finish();
    if (this.#hasBegun) await super.finish();
  }

  #decode(part: Buffer): Promise<void> {
    this.#hasBegun = true;
    return new Promise((resolve, reject) => {
      this.inner.write(part, (error) => (error ? reject(error) : resolve()));
    });
  }
}
