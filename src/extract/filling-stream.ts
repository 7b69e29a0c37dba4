import { Readable } from 'node:stream';
import type { TarAssembler } from './assembler.js';

/** Measured: from 256 KiB on, the size of a piece makes no difference. */
const PIECE = 1024 * 1024;

/**
 * The tar as a stream of pieces that belong to the reader. It is filled no faster than it is read.
 *
 * @param onBytes is told of each piece's length
 */
export function fillingStream(tar: TarAssembler, onBytes: (bytes: number) => void = () => undefined): Readable {
  let filling: Promise<void> = Promise.resolve();
  return new Readable({
    highWaterMark: PIECE,
    read() {
      const buffer = Buffer.allocUnsafeSlow(PIECE);
      filling = tar.fill(buffer).then(
        (filled) => {
          onBytes(filled);
          this.push(filled === 0 ? null : buffer.subarray(0, filled));
        },
        (error: Error) => void this.destroy(error),
      );
    },
    destroy(error, callback) {
      void filling.then(() => callback(error));
    },
  });
}
