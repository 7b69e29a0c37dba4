import { Duplex } from 'node:stream';

/** So many bytes may wait for the reader: two pieces of most decoders, so that one is read while the other is made. */
const WAITING = 2 * 1024 * 1024;

/**
 * A stream that turns bytes into others by plain asynchronous functions. What they throw ends it; what is put out waits
 * until the reader wants more.
 */
export abstract class Converter extends Duplex {
  #goOn: (() => void) | undefined;

  constructor() {
    super({ readableHighWaterMark: WAITING });
  }

  /** Gets the next bytes; no more come before it resolves. */
  protected abstract accept(bytes: Buffer): Promise<void>;

  /** It has all bytes. */
  protected abstract finish(): Promise<void>;

  /** Resolves when the reader wants more; never after the stream was destroyed. */
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
