import { finished, Writable } from 'node:stream';
import { isReaderGone, isSystemFailure, unwritable } from '../base/io/unwritable.js';
import { reasonOf } from '../base/text/printable.js';
import { DimgxError } from '../errors.js';

const NAME = 'stream';

/**
 * A stream of the caller that the tar is written to. It is watched from the start, because it may end, close or fail at
 * any time. It may be one of Node's HTTP responses, which are not instances of `Writable`.
 */
export class TargetStream {
  readonly #stream: Writable;
  readonly #unwatch: () => void;
  readonly #isOver: Promise<void>;
  #resolve: () => void = () => {};
  /** Called once, when the stream stops accepting data. */
  #onLost: (failure: DimgxError) => void = () => {};
  #failure: DimgxError | undefined;
  #isTouched = false;
  #isEnding = false;

  /** @throws DIMGX_TARGET_CLOSED if the stream no longer accepts data */
  constructor(stream: Writable) {
    this.#stream = stream;
    const state = stateOf(stream);
    if (state !== undefined) throw closed(state, stream.errored);
    this.#isOver = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    const stop = finished(stream, { readable: false }, this.#finish);
    stream.on('finish', this.#notice);
    this.#unwatch = () => {
      stop();
      stream.off('finish', this.#notice);
    };
  }

  /** The caller's own stream, to compare. */
  get stream(): Writable {
    return this.#stream;
  }

  /** Sets a callback for when the stream stops accepting data. If it already has, the callback is called at once. */
  onLost(callback: (failure: DimgxError) => void): void {
    this.#onLost = callback;
    if (this.#failure) callback(this.#failure);
  }

  /**
   * Resolves when the stream is ready for more.
   *
   * @param piece belongs to the stream from now on
   * @throws DIMGX_TARGET_*
   */
  async write(piece: Uint8Array): Promise<void> {
    this.#requireOpen();
    this.#isTouched = true;
    if (this.#give(piece)) return;
    let drained = () => {};
    const isDrained = new Promise<void>((resolve) => {
      drained = resolve;
    });
    this.#stream.once('drain', drained);
    await Promise.race([isDrained, this.#isOver]);
    this.#stream.off('drain', drained);
    this.#requireOpen();
  }

  /**
   * Ends the stream, and resolves once it has accepted everything. Standard output and standard error stay open.
   *
   * @throws DIMGX_TARGET_*
   */
  async end(): Promise<void> {
    this.#requireOpen();
    this.#isTouched = true;
    if (this.#stream === process.stdout || this.#stream === process.stderr) {
      await new Promise<void>((resolve) => {
        this.#stream.write(new Uint8Array(0), () => resolve());
      });
    } else {
      this.#isEnding = true;
      this.#attempt(() => this.#stream.end());
      await this.#isOver;
    }
    if (this.#failure) throw this.#failure;
  }

  /** Stops watching the stream. */
  release(): void {
    this.#unwatch();
  }

  /**
   * Destroys the stream if anything was written to it, so that its incomplete content is not mistaken for the whole
   * tar.
   */
  discard(reason: unknown): void {
    this.#unwatch();
    this.#resolve();
    if (!this.#isTouched || this.#stream === process.stdout || this.#stream === process.stderr) return;
    this.#stream.on('error', () => {}); // the caller may have stopped listening for errors
    this.#stream.destroy(reason as Error);
  }

  #give(piece: Uint8Array): boolean {
    if (!(this.#stream instanceof Writable)) return this.#attempt(() => this.#stream.write(piece)) === true;
    const taken = (error: unknown) => {
      // The stream's own write failed: if someone had destroyed it, `destroyed` would already be set.
      if (error && !this.#stream.destroyed) this.#lose(unwritable(NAME, error));
    };
    return this.#attempt(() => this.#stream.write(piece, taken)) === true;
  }

  #attempt<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      const failure = unwritable(NAME, error);
      this.#lose(failure);
      throw failure;
    }
  }

  #requireOpen(): void {
    if (this.#failure) throw this.#failure;
    const state = stateOf(this.#stream);
    if (state !== undefined) this.#lose(closed(state, this.#stream.errored));
    if (this.#failure) throw this.#failure;
  }

  /** The stream was ended or closed by someone else. */
  readonly #notice = (): void => {
    if (!this.#isEnding) this.#lose(closed('was ended', undefined));
  };

  readonly #finish = (error?: unknown): void => {
    if (error === undefined || error === null) this.#notice();
    else if (isReaderGone(error)) this.#lose(closed(stateOf(this.#stream) ?? 'was closed', this.#stream.errored));
    else if (isSystemFailure(error) || this.#isEnding) this.#lose(unwritable(NAME, error));
    else this.#lose(closed('was destroyed', error));
    this.#resolve();
  };

  #lose(failure: DimgxError): void {
    if (this.#failure) return;
    this.#failure = failure;
    this.#resolve();
    this.#onLost(failure);
  }
}

/** Why a stream no longer accepts data; `undefined` if it does. */
function stateOf(stream: Writable): string | undefined {
  if (stream.errored !== undefined && stream.errored !== null) return 'has failed';
  if (stream.destroyed) return 'was destroyed';
  if (stream.closed) return 'was closed';
  if (stream.writableEnded || stream.writableFinished) return 'was ended';
  return undefined;
}

function closed(state: string, cause: unknown): DimgxError {
  const why = cause === undefined || cause === null ? '' : ` (${reasonOf(cause)})`;
  const message = `the stream ${state}${why} and accepts no more data: pass an open stream`;
  return new DimgxError('DIMGX_TARGET_CLOSED', message, { cause: cause ?? undefined });
}
