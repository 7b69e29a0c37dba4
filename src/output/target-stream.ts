import { finished, Writable } from 'node:stream';
import { reasonOf } from '../base/call/reason-of.js';
import { DimgxError } from '../errors.js';
import { isReaderGone, isSystemFailure, unwritable } from './unwritable.js';

const NAME = 'stream';

/**
 * A stream of the caller that the tar is to go to, watched from the moment it is given: it may end, close or fail at any
 * time, and may be one of Node's HTTP answers, which are no `Writable`.
 */
export class TargetStream {
  readonly #stream: Writable;
  readonly #unwatch: () => void;
  readonly #isOver: Promise<void>;
  #resolve: () => void = () => {};
  /** Called once when the stream can take no more. */
  #onLost: (failure: DimgxError) => void = () => {};
  #failure: DimgxError | undefined;
  #isTouched = false;
  #isEnding = false;

  /** @throws DIMGX_TARGET_CLOSED when it takes nothing any more */
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

  /** Tells of the end of a stream that can take no more, at once when it has come. */
  onLost(callback: (failure: DimgxError) => void): void {
    this.#onLost = callback;
    if (this.#failure) callback(this.#failure);
  }

  /**
   * Resolves when the stream wants more.
   *
   * @param piece is the stream's from now on
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
   * Ends the stream, and resolves when it has taken everything. Standard output and error stay open.
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

  /** Lets go of the stream. */
  release(): void {
    this.#unwatch();
  }

  /** Destroys the stream, if anything was written to it: what it got so far must not pass for the whole. */
  discard(reason: unknown): void {
    this.#unwatch();
    this.#resolve();
    if (!this.#isTouched || this.#stream === process.stdout || this.#stream === process.stderr) return;
    this.#stream.on('error', () => {}); // nobody else may listen any more
    this.#stream.destroy(reason as Error);
  }

  #give(piece: Uint8Array): boolean {
    if (!(this.#stream instanceof Writable)) return this.#attempt(() => this.#stream.write(piece)) === true;
    const taken = (error: unknown) => {
      // The stream itself failed to write: whoever destroys it does that before this is called.
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

  /** Another has ended it, when nobody here has. */
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

/** Why a stream takes nothing any more; `undefined` for one that does. */
function stateOf(stream: Writable): string | undefined {
  if (stream.errored !== undefined && stream.errored !== null) return 'has failed';
  if (stream.destroyed) return 'was destroyed';
  if (stream.closed) return 'was closed';
  if (stream.writableEnded || stream.writableFinished) return 'was ended';
  return undefined;
}

function closed(state: string, cause: unknown): DimgxError {
  const why = cause === undefined || cause === null ? '' : ` (${reasonOf(cause)})`;
  const message = `the stream ${state}${why} and takes no more: give one that is open`;
  return new DimgxError('DIMGX_TARGET_CLOSED', message, { cause: cause ?? undefined });
}
