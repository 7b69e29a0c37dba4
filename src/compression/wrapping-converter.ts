import type { Duplex } from 'node:stream';
import { Converter } from './converter.js';

/** A converter around another stream: what that one gives is passed on, its errors end this one, and it ends with this one. */
export abstract class WrappingConverter<Inner extends Duplex = Duplex> extends Converter {
  protected readonly inner: Inner;

  constructor(inner: Inner) {
    super();
    this.inner = inner;
    inner.on('data', (plain: Buffer) => {
      if (!this.push(plain)) inner.pause();
    });
    inner.on('error', (error) => this.destroy(error));
  }

  override _read(): void {
    this.inner.resume();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.inner.destroy();
    done(error);
  }
}
