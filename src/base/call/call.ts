import { setMaxListeners } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { abortedBy, type DimgxError, Interruption } from '../../errors.js';
import type { CommonOptions } from '../../options.js';
import { type Callbacks, guardCallbacks } from './guard-callbacks.js';
import { onAbort } from './on-abort.js';

type CallOptions = Callbacks & Pick<CommonOptions, 'signal'>;

/**
 * One call of a public function. Its stages get a signal of its own, which is aborted when the caller aborts, when a
 * callback of the caller fails, and when `fail` is called: then the call rejects with that error, whatever a stage makes
 * of the end of its work.
 */
export class Call {
  /** What the stages get in place of the caller's. */
  readonly options: Callbacks & { readonly signal: AbortSignal };
  readonly #controller = new AbortController();
  readonly #release: () => void;
  #failure: DimgxError | undefined;
  #hasEnded = false;

  constructor(options: CallOptions) {
    const { signal } = this.#controller;
    setMaxListeners(0, signal); // as many parts of the work wait for it as there are
    this.options = { ...guardCallbacks(options, this.fail), signal };
    const caller = options.signal;
    const abort = () => caller && this.fail(abortedBy(caller));
    this.#release = caller && !caller.aborted ? onAbort(caller, abort) : () => {};
    if (caller?.aborted) abort();
  }

  /** Ends the work. The first failure counts. */
  readonly fail = (failure: DimgxError): void => {
    if (this.#failure || this.#hasEnded) return;
    this.#failure = failure;
    this.#controller.abort(new Interruption(failure));
  };

  /**
   * Does the work of the call, or a part of it.
   *
   * @throws what ended the call, if anything did, else what the work throws
   */
  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      this.#throwFailure();
      return await work();
    } catch (error) {
      throw this.#failure ?? error;
    }
  }

  /** The last moment for the caller, and for a callback that is async, to end the work. @throws what ended the call */
  readonly settle = async (): Promise<void> => {
    await turn();
    this.#throwFailure();
  };

  /** From now on nothing ends it, and the caller's signal is let go. */
  readonly end = (): void => {
    this.#hasEnded = true;
    this.#release();
  };

  #throwFailure(): void {
    if (this.#failure) throw this.#failure;
  }
}
