import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { Converter } from './converter.js';

/**
 * A converter around another stream, usually one of Node's, which work in other threads. The inner stream's output is
 * passed on, its errors end this stream, and it is destroyed together with this stream.
 */
export abstract class WrappingConverter<Inner extends Duplex = Duplex> extends Converter {
  protected readonly inner: Inner;
  readonly #held: Buffer[] = [];
  #passing: Promise<void> | undefined;

  constructor(inner: Inner) {
    super();
    this.inner = inner;
    inner.on('data', (piece: Buffer) => this.#hold(piece));
    inner.on('error', (error) => this.destroy(error));
  }

  /** Resolves once all output of the inner stream has been passed on. */
  protected override async finish(): Promise<void> {
    if (!this.inner.readableEnded) {
      this.inner.end();
      await once(this.inner, 'end');
    }
    await this.#passing;
  }

  override _read(): void {
    this.inner.resume();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.inner.destroy();
    done(error);
  }

  /**
   * The inner stream starts its next piece only after this returns. Passing on a piece here would process it before
   * that.
   */
  #hold(piece: Buffer): void {
    this.#held.push(piece);
    if (this.#held.length > 1) this.inner.pause(); // one that runs on this thread leaves no time between pieces
    this.#passing ??= new Promise<void>(setImmediate).then(() => this.#pass());
  }

  #pass(): void {
    this.#passing = undefined;
    let isWanted = true;
    for (const piece of this.#held.splice(0)) isWanted = this.push(piece);
    if (isWanted) this.inner.resume();
    else this.inner.pause();
  }
}
