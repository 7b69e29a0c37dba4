import { readRegionSync } from './region.js';

/** In bytes. */
const WINDOW = 64 * 1024;

/** Serves short reads of a spool from one window of bytes, which moves forward. Reads are synchronous. */
export class SpoolWindow {
  readonly #bytes = Buffer.allocUnsafeSlow(WINDOW);
  /** Offsets in the spool of the first byte in the window, and after the last one. */
  #from = 0;
  #to = 0;

  /**
   * @param fd of the spool
   * @param end offset in the spool after the last byte that may be read ahead
   * @throws as `readRegionSync`
   */
  read(fd: number, offset: number, into: Uint8Array, end: number): void {
    const read = readRegionSync({ file: fd, offset: 0, length: Number.MAX_SAFE_INTEGER });
    if (into.length > WINDOW / 2) return void read(into, offset);
    if (offset < this.#from || offset + into.length > this.#to) {
      const bytes = this.#bytes.subarray(0, end - offset);
      this.#to = 0;
      void read(bytes, offset);
      this.#from = offset;
      this.#to = offset + bytes.length;
    }
    into.set(this.#bytes.subarray(offset - this.#from, offset - this.#from + into.length));
  }
}
