import { Duplex } from 'node:stream';

/** Bytes that may wait for the reader: two pieces of most decoders, so that one is made while the other is read. */
const WAITING = 2 * 1024 * 1024;

/**
 * A stream that converts bytes with plain async functions. If one of them throws, the stream ends with that error.
 * Output waits until the reader wants more.
 */
export abstract class Converter extends Duplex {
  #goOn: (() => void) | undefined;

  constructor() {
    super({ readableHighWaterMark: WAITING });
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
