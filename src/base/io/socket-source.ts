import type { OnReadOpts, Socket } from 'node:net';
import { handledLater } from '../call/deferred.js';
import type { ByteSource, OnPiece } from './byte-source.js';
import { readBuffer } from './region.js';

/** Maximum size of one read, in bytes. */
const READ_SIZE = 2 ** 18;

/**
 * Reads a socket or pipe into one reused buffer. As a stream, Node would allocate 64 KiB for each piece, and for a
 * gigabyte the garbage collection would cost more than the reading. Not for TLS, where Node ignores a request to pause.
 */
export class SocketSource implements ByteSource {
  readonly socket: Socket;
  readonly #over: Promise<void>;
  #onPiece: OnPiece | undefined;
  /** A piece that arrived before `forEachPiece` was called. */
  #early: Buffer | undefined;

  /**
   * @param open called at once
   * @param signal ends the source with its reason
   */
  constructor(open: (options: { readonly onread: OnReadOpts }) => Socket, signal?: AbortSignal) {
    const buffer = readBuffer(READ_SIZE);
    this.socket = open({ onread: { buffer, callback: (length) => this.#give(buffer.subarray(0, length)) } });
    this.#over = handledLater(this.#end(signal));
  }

  async forEachPiece(onPiece: OnPiece): Promise<void> {
    this.#onPiece = onPiece;
    const early = this.#early;
    this.#early = undefined;
    if (early && this.#give(early)) this.socket.resume();
    await this.#over;
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** @returns whether to continue reading */
  #give(piece: Buffer): boolean {
    if (!this.#onPiece) {
      this.#early = piece;
      return false;
    }
    try {
      const received = this.#onPiece(piece);
      received?.then(
        () => this.socket.resume(),
        (failure) => this.socket.destroy(failure),
      );
      return !received;
    } catch (failure) {
      this.socket.destroy(failure as Error);
      return false;
    }
  }

  async #end(signal: AbortSignal | undefined): Promise<void> {
    const { socket } = this;
    const abort = () => socket.destroy(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted) abort();
    try {
      await new Promise<void>((resolve, reject) => {
        let hasEnded = false;
        socket.once('end', () => (hasEnded = true));
        socket.once('error', reject);
        socket.once('close', () => (hasEnded ? resolve() : reject(new Error('the connection was lost'))));
      });
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }
}
