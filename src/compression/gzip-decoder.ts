import { createGunzip, type Gunzip } from 'node:zlib';
import { WrappingConverter } from './wrapping-converter.js';

/** Measured: three times as fast as with zlib's default of 16 KiB, a tenth faster than with 256 KiB. */
const CHUNK = 1024 * 1024;

/**
 * Decodes all members of a gzip file, and refuses what stands behind the zeros that may follow them. Node's takes the first
 * zero between members for the end, whatever comes after it, and calls back for nothing that is written from there on.
 */
export class GzipDecoder extends WrappingConverter<Gunzip> {
  #given = 0;

  constructor() {
    super(createGunzip({ chunkSize: CHUNK }));
  }

  protected override async accept(bytes: Buffer): Promise<void> {
    this.#given += bytes.length;
    if (!this.inner.readableEnded) await this.#inflate(bytes);
    const left = Math.min(this.#given - this.inner.bytesWritten, bytes.length);
    if (bytes.subarray(bytes.length - left).some((byte) => byte !== 0))
      throw new Error('something else than zeros follows');
  }

  /** Resolves when it has done with the bytes, or is at its end. */
  #inflate(bytes: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.inner.once('end', resolve);
      this.inner.write(bytes, (error) => {
        this.inner.off('end', resolve);
        if (error) reject(error);
        else resolve();
      });
    });
  }
}
