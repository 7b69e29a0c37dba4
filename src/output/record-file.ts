import { handledLater } from '../base/call/deferred.js';
import type { Sink } from './sink.js';

/** Size of each of two buffers, in bytes. */
const BUFFER = 256 * 1024;

/**
 * Collects the text of a record and writes it in large pieces: one buffer is written while the other is filled. The
 * text is latin1, so that each character is one byte.
 */
export class RecordFile {
  readonly #sink: Sink;
  #front = Buffer.allocUnsafeSlow(BUFFER);
  #back = Buffer.allocUnsafeSlow(BUFFER);
  /** Number of bytes in the front buffer. */
  #filled = 0;
  #written = 0;
  /** The write of the back buffer; `undefined` once it has succeeded. */
  #writing: Promise<void> | undefined;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  /** Number of bytes appended. */
  get bytes(): number {
    return this.#written + this.#filled;
  }

  /**
   * Appends text. Mostly there is room for it at once. Otherwise, append no more until the promise resolves.
   *
   * @param text characters up to U+00FF
   * @throws DIMGX_TARGET_*, DIMGX_ABORTED; the promise rejects, perhaps because of text that was appended before
   */
  append(text: string): Promise<void> | undefined {
    let rest = text;
    for (;;) {
      const taken = this.#front.write(rest, this.#filled, 'latin1');
      this.#filled += taken;
      if (taken === rest.length) return undefined;
      rest = rest.slice(taken);
      if (this.#writing) return this.#writing.then(() => this.append(rest));
      this.#startWriting();
    }
  }

  /** Writes what is still collected. @throws DIMGX_TARGET_*, DIMGX_ABORTED */
  async end(): Promise<void> {
    await this.#writing;
    if (this.#filled > 0) this.#startWriting();
    await this.#writing;
  }

  /** Writes the front buffer, while the other one is filled. */
  #startWriting(): void {
    const [full, free] = [this.#front, this.#sink.keepsBytes ? Buffer.allocUnsafeSlow(BUFFER) : this.#back];
    const written = this.#sink.write(full.subarray(0, this.#filled)).then(() => {
      this.#writing = undefined;
    });
    this.#writing = handledLater(written);
    this.#written += this.#filled;
    this.#filled = 0;
    [this.#front, this.#back] = [free, full];
  }
}
