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

/**
 * Messages from a thread about one of its decoders. `ready` is sent first, once the thread's code is loaded, and its
 * `id` is 0. `taken`: what was written has been consumed.
 */
export type DecoderAnswer = { readonly id: number } & (
  | { readonly kind: 'ready' }
  | { readonly kind: 'taken' }
  | { readonly kind: 'piece'; readonly bytes: Uint8Array }
  | { readonly kind: 'ended' }
  | { readonly kind: 'failed'; readonly message: string; readonly code: ErrorCode | WarningCode | undefined }
);

/**
 * Threads for decoders that would block the calling thread. Each thread runs several decoders side by side, so any
 * number of layers can be decoded at once.
 */
export class DecoderThreads {
  readonly #most: number;
  readonly #threads: DecoderThread[] = [];
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
  async open(compression: CompressionName, waiting: number): Promise<Duplex | undefined> {
    const thread = this.#choose();
    if (!thread) return undefined;
    thread.users++;
    if (await thread.started) return thread.open(++this.#lastId, compression, waiting);
    this.#isRefused = true;
    return undefined;
  }

  /** Ends the threads. Decoders that are still open fail. */
  async close(): Promise<void> {
    this.#isRefused = true;
    await Promise.all(this.#threads.splice(0).map((thread) => thread.end()));
  }

  #choose(): DecoderThread | undefined {
    const least = this.#threads.toSorted((a, b) => a.users - b.users)[0];
    if (least && (least.users === 0 || this.#threads.length === this.#most)) return least;
    return this.#start() ?? least;
  }

  #start(): DecoderThread | undefined {
    if (this.#isRefused) return undefined;
    try {
      const thread = new DecoderThread(() => {
        const place = this.#threads.indexOf(thread);
        if (place >= 0) this.#threads.splice(place, 1);
      });
      this.#threads.push(thread);
      return thread;
    } catch {
      this.#isRefused = true;
      return undefined;
    }
  }
}

/** A thread with its decoders. It keeps the process alive only while a reader waits for it. */
class DecoderThread {
  readonly #worker: Worker;
  readonly #decoders = new Map<number, ThreadDecoder>();
  /** Resolves once the thread has loaded its code. `false`: it could not be started. */
  readonly started: Promise<boolean>;
  /** Number of decoders that are open or will be. */
  users = 0;
  /** Number of pieces that readers wait for; and 1 while the thread starts. */
  #waits = 1;

  /** @throws if the system, or the runtime, allows no thread */
  constructor(onEnd: () => void) {
    const worker = new Worker(new URL('./decoder-worker.js', import.meta.url), { execArgv: [] });
    this.#worker = worker;
    const ready = new Promise<boolean>((resolve) => {
      worker.once('message', () => resolve(true)).once('exit', () => resolve(false));
    });
    this.started = ready.finally(() => this.wait(-1));
    worker.on('message', (answer: DecoderAnswer) => this.#decoders.get(answer.id)?.receive(answer));
    const lose = (cause: Error) => {
      onEnd();
      const failure = new DimgxError('DIMGX_INTERNAL', 'a worker thread ended before its work was done', { cause });
      for (const decoder of this.#decoders.values()) decoder.destroy(failure);
    };
    worker.on('error', lose);
    worker.on('exit', () => lose(new Error('a worker thread ended')));
  }

  open(id: number, compression: CompressionName, waiting: number): Duplex {
    const decoder = new ThreadDecoder(id, this, waiting);
    this.#decoders.set(id, decoder);
    this.send({ id, kind: 'open', compression, waiting });
    return decoder;
  }

  /** Call it when a decoder has been closed. */
  forget(id: number): void {
    if (this.#decoders.delete(id)) this.users--;
  }

  send(request: DecoderRequest): void {
    this.#worker.postMessage(request);
  }

  /** @param pieces number of pieces that a reader waits for; negative when they have come, or will not come */
  wait(pieces: number): void {
    this.#waits += pieces;
    if (this.#waits > 0) this.#worker.ref();
    else this.#worker.unref();
  }

  async end(): Promise<void> {
    // A thread that is ended while it loads its code leaves the files of that code open for the life of the process.
    await this.started;
    await this.#worker.terminate();
  }
}

/** A decoder that runs in another thread. */
class ThreadDecoder extends Duplex {
  readonly #id: number;
  readonly #thread: DecoderThread;
  /** Number of pieces that have been asked for and have not come. */
  #wanted = 0;
  #onTaken = () => {};

  constructor(id: number, thread: DecoderThread, waiting: number) {
    super({ readableHighWaterMark: waiting });
    this.#id = id;
    this.#thread = thread;
  }

  receive(answer: DecoderAnswer): void {
    if (answer.kind === 'taken') this.#onTaken();
    else if (answer.kind === 'piece') {
      this.#want(-1);
      this.push(answer.bytes);
    } else if (answer.kind === 'ended') {
      this.#want(-this.#wanted);
      this.push(null);
    } else if (answer.kind === 'failed') {
      const { code, message } = answer;
      this.destroy(code ? new DimgxError(code, message) : new Error(message));
    }
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#onTaken = done;
    this.#thread.send({ id: this.#id, kind: 'write', bytes });
  }

  override _final(done: () => void): void {
    this.#thread.send({ id: this.#id, kind: 'end' });
    done();
  }

  override _read(): void {
    this.#want(1);
    this.#thread.send({ id: this.#id, kind: 'want' });
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#want(-this.#wanted);
    this.#thread.send({ id: this.#id, kind: 'close' });
    this.#thread.forget(this.#id);
    done(error);
  }

  #want(pieces: number): void {
    this.#wanted += pieces;
    this.#thread.wait(pieces);
  }
}
