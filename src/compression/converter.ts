import { once } from 'node:events';
import { Duplex } from 'node:stream';

/** Bytes that may wait for the reader: two pieces of most decoders, so that one is made while the other is read. */
const WAITING = 2 * 1024 * 1024;

/**
 * A stream that converts bytes with plain async functions. If one of them throws, the stream ends with that error.
 * Output waits until the reader wants more.
 */
export abstract class Converter extends Duplex {
  #goOn: (() => void) | undefined;

  /** @param waiting maximum length of the output that waits for the reader, in bytes */
  constructor(waiting = WAITING) {
    super({ readableHighWaterMark: waiting });
  }

  /** Receives the next bytes. It is not called again before it resolves. */
  protected abstract accept(bytes: Buffer): Promise<void>;

  /** Called once all bytes have been accepted. */
  protected abstract finish(): Promise<void>;

  /** Resolves when the reader wants more; never resolves after the stream is destroyed. */
  protected async put(bytes: Uint8Array): Promise<void> {
    if (this.push(bytes)) return;
    await new Promise<void>((resolve) => {
      this.#goOn = resolve;
    });
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    this.accept(bytes).then(() => done(), done);
  }

  override _final(done: (error?: Error) => void): void {
    const end = () => {
      this.push(null);
      done();
    };
    this.finish().then(end, done);
  }

  override _read(): void {
    this.#goOn?.();
  }
}

/**
 * A converter around another stream, usually one of Node's, which work in other threads. The inner stream's output is
 * passed on, its errors end this stream, and it is destroyed together with this stream.
 */
export abstract class WrappingConverter<Inner extends Duplex = Duplex> extends Converter {
  protected inner: Inner;
  readonly #held: Buffer[] = [];
  #passing: Promise<void> | undefined;

  constructor(inner: Inner, waiting?: number) {
    super(waiting);
    this.inner = inner;
    this.#listen();
  }

  /** Goes on with another inner stream, once the last one has ended or if it was given nothing. */
  protected goOnWith(inner: Inner): void {
    this.inner.destroy();
    this.inner = inner;
    this.#listen();
  }

  #listen(): void {
    const { inner } = this;
    inner.on('data', (piece: Buffer) => this.#hold(piece));
    inner.on('error', (error) => this.destroy(error));
  }

  /** Resolves when the inner stream has consumed the bytes. */
  protected feedInner(bytes: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.inner.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
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
