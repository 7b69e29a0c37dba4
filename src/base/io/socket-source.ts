import type { OnReadOpts, Socket } from 'node:net';
import type { ByteSource, Take } from './byte-source.js';

/** Read at a time, in bytes, at most. */
const READ_SIZE = 2 ** 18;

/**
 * What comes out of a socket or a pipe, read into one buffer again and again. As a stream, Node allocates 64 KiB anew for each
 * piece: a gigabyte so read costs more in garbage collections than in reading. Not for TLS, which does not wait when told to.
 */
export class SocketSource implements ByteSource {
  readonly socket: Socket;
  readonly #over: Promise<void>;
  #take: Take | undefined;
  /** What came before it was asked for. */
  #early: Buffer | undefined;

  /**
   * @param open is called at once
   * @param signal ends it with its reason
   */
  constructor(open: (options: { readonly onread: OnReadOpts }) => Socket, signal?: AbortSignal) {
    const buffer = Buffer.allocUnsafeSlow(READ_SIZE);
    this.socket = open({ onread: { buffer, callback: (length) => this.#give(buffer.subarray(0, length)) } });
    this.#over = this.#end(signal);
    this.#over.catch(() => undefined); // whoever pumps is told
  }

  async pump(take: Take): Promise<void> {
    this.#take = take;
    const early = this.#early;
    this.#early = undefined;
    if (early && this.#give(early)) this.socket.resume();
    await this.#over;
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** @returns whether more may come */
  #give(piece: Buffer): boolean {
    if (!this.#take) {
      this.#early = piece;
      return false;
    }
    try {
      const taken = this.#take(piece);
      taken?.then(
        () => this.socket.resume(),
        (failure) => this.socket.destroy(failure),
      );
      return !taken;
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
        socket.once('close', () => (hasEnded ? resolve() : reject(new Error('the connection was cut'))));
      });
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }
}
