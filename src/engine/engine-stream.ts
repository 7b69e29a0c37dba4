import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { abortedBy } from '../errors.js';
import { EngineStall } from './engine-error.js';

export interface EngineStreamOptions {
  /** How long the engine may be silent while the reader is ready for more, in milliseconds. */
  readonly idle: number;
  /** Whether the answer must say where it ends. One that ends with the connection may have been cut. */
  readonly isDelimited: boolean;
  readonly signal: AbortSignal | undefined;
  /** Makes the error that the reader gets. */
  readonly explain: (cause: unknown) => Error;
}

/**
 * The body of an answer. It ends only when it has arrived completely. It fails if the connection is cut, if it is
 * silent for too long, or if the work is cancelled. A slow reader is not a failure.
 */
export class EngineStream extends Readable {
  readonly #message: IncomingMessage;
  readonly #options: EngineStreamOptions;
  #timer: NodeJS.Timeout | undefined;

  constructor(message: IncomingMessage, options: EngineStreamOptions) {
    super({ highWaterMark: 2 ** 18 });
    this.#message = message;
    this.#options = options;
    message.on('data', (chunk: Buffer) => {
      if (this.push(chunk)) this.#timer?.refresh();
      else this.#rest();
    });
    message.once('end', () => this.#end());
    message.on('error', (cause) => this.#fail(cause));
    message.once('close', () => {
      if (!message.readableEnded) this.#fail(new Error('the connection was lost'));
    });
    message.pause();
    this.on('error', () => undefined); // a reader that starts later still gets the error
    options.signal?.addEventListener('abort', this.#abort, { once: true });
    if (options.signal?.aborted) this.#abort();
  }

  get status(): number {
    return this.#message.statusCode ?? 0;
  }

  override _read(): void {
    const { idle } = this.#options;
    this.#timer ??= setTimeout(() => this.#fail(new EngineStall(idle)), idle);
    this.#message.resume();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearTimeout(this.#timer);
    this.#options.signal?.removeEventListener('abort', this.#abort);
    if (!this.#message.readableEnded) this.#message.destroy();
    done(error);
  }

  #rest(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#message.pause();
  }

  #end(): void {
    const { headers } = this.#message;
    const isDelimited = headers['transfer-encoding'] !== undefined || headers['content-length'] !== undefined;
    this.#rest();
    if (isDelimited || !this.#options.isDelimited) this.push(null);
    else this.#fail(new Error('its answer does not declare its length'));
  }

  #fail(cause: unknown): void {
    this.destroy(this.#options.explain(cause));
  }

  readonly #abort = () => {
    if (this.#options.signal) this.destroy(abortedBy(this.#options.signal));
  };
}

/**
 * Reads a whole body.
 *
 * @param limit in bytes; a longer body is rejected with the error from `tooLong`
 */
export async function readBody(body: Readable, limit: number, tooLong: () => Error): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > limit) throw tooLong();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
