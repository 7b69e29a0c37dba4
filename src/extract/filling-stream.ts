import { Readable } from 'node:stream';
import { onAbort } from '../base/call/on-abort.js';
import { readBuffer } from '../base/io/region.js';
import { abortedBy, imageClosed } from '../errors.js';
import type { TarFiller } from './assembler.js';

/** Size of a piece, in bytes. */
const PIECE = 1024 * 1024;

export interface FillingOptions {
  /** Fails the stream with DIMGX_ABORTED, even if it is not being read at that moment. */
  readonly signal?: AbortSignal | undefined;
  /** Called with the length of each piece; with 0 at the end. */
  readonly onBytes: (bytes: number) => void;
}

/**
 * The tar as a stream of pieces that belong to the reader. It is filled only as fast as it is read. If its image is
 * closed, it fails with DIMGX_ABORTED at once. It subscribes to the signal and to the image on the first read or when
 * an error listener is added, so a stream that is never used leaves nothing behind.
 */
export function fillingStream(tar: TarFiller, { signal, onBytes }: FillingOptions): Readable {
  let filling: Promise<void> = Promise.resolve();
  let stopListening: (() => void) | undefined;
  let stopWatching: (() => void) | undefined;
  const close = () => void stream.destroy(imageClosed());
  const listen = () => {
    if (stream.destroyed) return;
    stopWatching ??= tar.onClose(close);
    if (!signal || stopListening) return;
    const abort = () => void stream.destroy(abortedBy(signal));
    if (signal.aborted) abort();
    else stopListening = onAbort(signal, abort);
  };
  const stream = new Readable({
    highWaterMark: PIECE,
    read() {
      listen();
      if (this.destroyed) return;
      const buffer = readBuffer(PIECE);
      filling = tar
        .fill(buffer)
        .then((filled) => {
          onBytes(filled);
          this.push(filled === 0 ? null : buffer.subarray(0, filled));
        })
        .catch((error: Error) => void this.destroy(error));
    },
    destroy(error, callback) {
      stopListening?.();
      stopWatching?.();
      void tar
        .close()
        .then(() => filling)
        .then(() => callback(error));
    },
  });
  stream.on('newListener', (event) => event === 'error' && listen());
  return stream;
}
