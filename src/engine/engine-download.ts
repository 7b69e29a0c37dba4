import type { ByteSource, Take } from '../base/io/byte-source.js';
import type { EngineConnection } from './engine-agent.js';
import { EngineStall } from './engine-error.js';
import { HttpAnswer } from './http-answer.js';

/** How long the engine may take, in milliseconds. */
export interface DownloadTimeouts {
  /** For the beginning of its answer. */
  readonly head: number;
  /** Within, while it is listened to. */
  readonly idle: number;
}

/**
 * The body of the answer to one request on a connection of its own. All of it has come, or it fails: a connection that is
 * cut, that says nothing for too long, an answer that does not say where it ends. A reader that takes its time is no failure.
 */
export class EngineDownload implements ByteSource {
  readonly #connection: ByteSource;
  readonly #timeouts: DownloadTimeouts;
  readonly #answer = new HttpAnswer();
  readonly #head = new Deferred<void>();
  readonly #taker = new Deferred<Take>();
  readonly #end = new Deferred<void>();
  #take: Take | undefined;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param connection has just been made; it is ended with the download
   * @param request as HTTP has it, to the empty line
   * @throws what fails before the head of the answer has come; not coded
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
      .pump((piece) => this.#feed(piece))
      .then(() => {
        throw new Error('the connection was cut');
      })
      .catch((failure) => this.#fail(failure));
  }

  /** Of HTTP. */
  get status(): number {
    return this.#answer.status;
  }

  async pump(take: Take): Promise<void> {
    this.#take = take;
    this.#expectWithin(this.#timeouts.idle);
    this.#taker.resolve(take);
    await this.#end.promise;
  }

  destroy(): void {
    this.#fail(new Error('it was broken off'));
  }

  #feed(piece: Buffer): Promise<void> | undefined {
    const parts = this.#answer.feed(piece);
    if (!this.#answer.hasHead) return undefined;
    if (this.status === 200 && !this.#answer.isDelimited) throw new Error('it does not say where its answer ends');
    if (this.#take) return this.#hand(parts, this.#take);
    clearTimeout(this.#timer);
    this.#head.resolve();
    return this.#taker.promise.then((take) => this.#hand(parts, take));
  }

  #hand(parts: readonly Buffer[], take: Take): Promise<void> | undefined {
    for (const [at, part] of parts.entries()) {
      const taken = take(part);
      if (!taken) continue;
      clearTimeout(this.#timer); // who waits for the reader does not wait for the engine
      return taken.then(() => {
        this.#expectWithin(this.#timeouts.idle);
        return this.#hand(parts.slice(at + 1), take);
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

/** A promise that is settled from without, once. */
class Deferred<T> {
  resolve!: (value: T) => void;
  reject!: (failure: unknown) => void;
  readonly promise = new Promise<T>((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });

  constructor() {
    this.promise.catch(() => undefined); // whoever waits is told
  }
}
