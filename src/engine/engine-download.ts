import { Deferred } from '../base/call/deferred.js';
import type { ByteSource, OnPiece } from '../base/io/byte-source.js';
import type { EngineConnection } from './engine-agent.js';
import { EngineStall } from './engine-error.js';
import { HttpAnswer } from './http-answer.js';

/** Timeouts, in milliseconds. */
export interface DownloadTimeouts {
  /** For the head of the answer. */
  readonly head: number;
  /** Between pieces of the answer, while the reader is ready for more. */
  readonly idle: number;
}

/**
 * The body of the answer to one request, on a connection of its own. It either arrives completely or fails: if the
 * connection is cut, if it is silent for too long, or if the answer does not say where it ends. A slow reader is not a
 * failure.
 */
export class EngineDownload implements ByteSource {
  readonly #connection: ByteSource;
  readonly #timeouts: DownloadTimeouts;
  readonly #answer = new HttpAnswer();
  readonly #head = new Deferred<void>();
  readonly #receiver = new Deferred<OnPiece>();
  readonly #end = new Deferred<void>();
  #onPiece: OnPiece | undefined;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param connection newly made; it is closed with the download
   * @param request the HTTP request, up to and including the empty line
   * @throws any failure before the head of the answer has arrived; not coded
   */
  static async begin(
    { duplex, source }: EngineConnection,
    request: string,
    timeouts: DownloadTimeouts,
  ): Promise<EngineDownload> {
    const download = new EngineDownload(source, timeouts);
    duplex.write(request, 'latin1');
    await download.#head.promise;
    return download;
  }

  private constructor(connection: ByteSource, timeouts: DownloadTimeouts) {
    this.#connection = connection;
    this.#timeouts = timeouts;
    this.#expectWithin(timeouts.head);
    connection
      .forEachPiece((piece) => this.#feed(piece))
      .then(() => {
        throw new Error('the connection was lost');
      })
      .catch((failure) => this.#fail(failure));
  }

  /** HTTP status. */
  get status(): number {
    return this.#answer.status;
  }

  async forEachPiece(onPiece: OnPiece): Promise<void> {
    this.#onPiece = onPiece;
    this.#expectWithin(this.#timeouts.idle);
    this.#receiver.resolve(onPiece);
    await this.#end.promise;
  }

  destroy(): void {
    this.#fail(new Error('the download was cancelled'));
  }

  #feed(piece: Buffer): Promise<void> | undefined {
    const parts = this.#answer.feed(piece);
    if (!this.#answer.hasHead) return undefined;
    if (this.status === 200 && !this.#answer.isDelimited) throw new Error('its answer does not declare its length');
    if (this.#onPiece) return this.#hand(parts, this.#onPiece);
    clearTimeout(this.#timer);
    this.#head.resolve();
    return this.#receiver.promise.then((onPiece) => this.#hand(parts, onPiece));
  }

  #hand(parts: readonly Buffer[], onPiece: OnPiece): Promise<void> | undefined {
    for (const [at, part] of parts.entries()) {
      const received = onPiece(part);
      if (!received) continue;
      clearTimeout(this.#timer); // do not time the engine while waiting for the reader
      return received.then(() => {
        this.#expectWithin(this.#timeouts.idle);
        return this.#hand(parts.slice(at + 1), onPiece);
      });
    }
    this.#timer?.refresh();
    if (this.#answer.isComplete) this.#finish();
    return undefined;
  }

  #expectWithin(milliseconds: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#fail(new EngineStall(milliseconds)), milliseconds);
  }

  #finish(): void {
    this.#end.resolve();
    this.destroy();
  }

  #fail(failure: unknown): void {
    clearTimeout(this.#timer);
    this.#head.reject(failure);
    this.#end.reject(failure);
    this.#connection.destroy();
  }
}
