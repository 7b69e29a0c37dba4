import type { Duplex } from 'node:stream';
import { WrappingConverter } from './wrapping-converter.js';
import { ZstdFrames } from './zstd-frames.js';

/** Decodes what is written to it: frames, never parts of two at once. */
export type MakeFrameDecoder = () => Duplex;

/** Reads all frames of a stream, and refuses what is not whole, or nothing but frames. */
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
