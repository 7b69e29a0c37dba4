import { Duplex } from 'node:stream';
import { Worker } from 'node:worker_threads';
import { DimgxError, type ErrorCode, type WarningCode } from '../errors.js';
import type { CompressionName } from './codecs.js';

/** Messages to a thread about one of its decoders. */
export type DecoderRequest = { readonly id: number } & (
  | { readonly kind: 'open'; readonly compression: CompressionName; readonly waiting: number }
  | { readonly kind: 'write'; readonly bytes: Uint8Array }
  | { readonly kind: 'end' }
  /** The reader wants one more piece. */
  | { readonly kind: 'want' }
  | { readonly kind: 'close' }
);

/** Messages from a thread about one of its decoders. */
export type DecoderAnswer = { readonly id: number } /** Sent first, once the thread's code is loaded; `id` is 0. */ & (
  | { readonly kind: 'ready' }
  /** What was written has been consumed. */
  | { readonly kind: 'taken' }
  | { readonly kind: 'piece'; readonly bytes: Uint8Array }
  | { readonly kind: 'ended' }
  | { readonly kind: 'failed'; readonly message: string; readonly code: ErrorCode | WarningCode | undefined }
);

interface Thread {
  readonly worker: Worker;
  readonly decoders: Map<number, ThreadDecoder>;
  /** Resolves once the thread has loaded its code, or has failed to. */
  readonly started: Promise<unknown>;
}

/**
 * Threads for decoders that would block the calling thread. Each thread runs several decoders side by side, so any
 * number of layers can be decoded at once.
 */
export class DecoderThreads {
  readonly #most: number;
  readonly #threads: Thread[] = [];
  #lastId = 0;
  #isRefused = false;

  /** @param most maximum number of threads */
  constructor(most: number) {
    this.#most = most;
  }

  /**
   * Opens a decoder in the thread that has the fewest.
   *
   * @param waiting as for `MakeDecoder`
   * @returns `undefined` if the system, or the runtime, allows no thread
   */
  open(compression: CompressionName, waiting: number): Duplex | undefined {
    const thread = this.#choose();
    if (!thread) return undefined;
    const id = ++this.#lastId;
    const send = (request: DecoderRequest) => thread.worker.postMessage(request);
    const decoder = new ThreadDecoder(id, send, waiting, () => thread.decoders.delete(id));
    thread.decoders.set(id, decoder);
    send({ id, kind: 'open', compression, waiting });
    return decoder;
  }

  /** Ends the threads. Decoders that are still open fail. */
  async close(): Promise<void> {
    this.#isRefused = true;
    const end = async ({ worker, started }: Thread) => {
      // A thread that is ended while it loads its code leaves the files of that code open for the life of the process.
      await started;
      await worker.terminate();
    };
    await Promise.all(this.#threads.splice(0).map(end));
  }

  #choose(): Thread | undefined {
    const least = this.#threads.toSorted((a, b) => a.decoders.size - b.decoders.size)[0];
    if (least && (least.decoders.size === 0 || this.#threads.length === this.#most)) return least;
    return this.#start() ?? least;
  }

  #start(): Thread | undefined {
    if (this.#isRefused) return undefined;
    try {
      const worker = new Worker(new URL('./decoder-worker.js', import.meta.url), { execArgv: [] });
      const started = new Promise((resolve) => worker.once('message', resolve).once('exit', resolve));
      const thread: Thread = { worker, decoders: new Map(), started };
      worker.on('message', (answer: DecoderAnswer) => thread.decoders.get(answer.id)?.receive(answer));
      worker.on('error', (error) => this.#lose(thread, error));
      worker.on('exit', () => this.#lose(thread, new Error('a worker thread ended')));
      this.#threads.push(thread);
      return thread;
    } catch {
      this.#isRefused = true;
      return undefined;
    }
  }

  #lose(thread: Thread, error: Error): void {
    const place = this.#threads.indexOf(thread);
    if (place >= 0) this.#threads.splice(place, 1);
    const message = 'a worker thread ended before its work was done';
    const failure = new DimgxError('DIMGX_INTERNAL', message, { cause: error });
    for (const decoder of thread.decoders.values()) decoder.destroy(failure);
  }
}

/** A decoder that runs in another thread. */
class ThreadDecoder extends Duplex {
  readonly #id: number;
  readonly #send: (request: DecoderRequest) => void;
  readonly #onClose: () => void;
  #onTaken = () => {};

  constructor(id: number, send: (request: DecoderRequest) => void, waiting: number, onClose: () => void) {
    super({ readableHighWaterMark: waiting });
    this.#id = id;
    this.#send = send;
    this.#onClose = onClose;
  }

  receive(answer: DecoderAnswer): void {
    if (answer.kind === 'taken') this.#onTaken();
    else if (answer.kind === 'piece') this.push(answer.bytes);
    else if (answer.kind === 'ended') this.push(null);
    else if (answer.kind === 'failed') {
      const { code, message } = answer;
      this.destroy(code ? new DimgxError(code, message) : new Error(message));
    }
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#onTaken = done;
    this.#send({ id: this.#id, kind: 'write', bytes });
  }

  override _final(done: () => void): void {
    this.#send({ id: this.#id, kind: 'end' });
    done();
  }

  override _read(): void {
    this.#send({ id: this.#id, kind: 'want' });
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#send({ id: this.#id, kind: 'close' });
    this.#onClose();
    done(error);
  }
}
