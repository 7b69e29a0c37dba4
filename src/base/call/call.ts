import { setMaxListeners } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { abortedBy, DimgxError, Interruption } from '../../errors.js';
import type { CommonOptions, ExtractOptions } from '../../options.js';
import { isTooManyFiles, tooManyFiles } from '../io/open-file-limit.js';
import { reasonOf } from '../text/printable.js';
import { onAbort } from './on-abort.js';

type CallOptions = Callbacks & Pick<CommonOptions, 'signal'>;

/**
 * One call of a public function. Its stages get a separate signal, which is aborted when the caller aborts, when one of
 * the caller's callbacks fails, or when `fail` is called. The call then rejects with that error, whatever error the
 * aborted stages throw.
 */
export class Call {
  /** Options for the stages, in place of the caller's. */
  readonly options: Callbacks & { readonly signal: AbortSignal };
  readonly #controller = new AbortController();
  readonly #release: () => void;
  #failure: DimgxError | undefined;
  #hasEnded = false;

  constructor(options: CallOptions) {
    const { signal } = this.#controller;
    setMaxListeners(0, signal); // any number of stages may listen to it
    this.options = { ...guardCallbacks(options, this.fail), signal };
    const caller = options.signal;
    const abort = () => caller && this.fail(abortedBy(caller));
    this.#release = caller && !caller.aborted ? onAbort(caller, abort) : () => {};
    if (caller?.aborted) abort();
  }

  /** Ends the work with this failure. Only the first failure counts. */
  readonly fail = (failure: DimgxError): void => {
    if (this.#failure || this.#hasEnded) return;
    this.#failure = failure;
    this.#controller.abort(new Interruption(failure));
  };

  /**
   * Runs the work of the call, or a part of it.
   *
   * @throws the failure that ended the call, if any, else what `work` throws
   */
  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      this.#throwFailure();
      return await work();
    } catch (error) {
      throw this.#failure ?? error;
    }
  }

  /** Last chance for the caller, or for an async callback, to end the work. @throws the failure that ended the call */
  readonly settle = async (): Promise<void> => {
    await turn();
    this.#throwFailure();
  };

  /** Marks the call as ended: later failures are ignored, and the caller's signal is released. */
  readonly end = (): void => {
    this.#hasEnded = true;
    this.#release();
  };

  #throwFailure(): void {
    if (this.#failure) throw this.#failure;
  }
}

/**
 * Runs the whole work of a public function as one call.
 *
 * @param work receives the options in the form the stages take
 * @throws the failure that ended the call, DIMGX_TOO_MANY_FILES, or else what `work` throws
 */
export async function withCall<Options extends CallOptions, Result>(
  options: Options,
  work: (stageOptions: Options & Call['options']) => Promise<Result>,
): Promise<Result> {
  const call = new Call(options);
  try {
    return await call.run(async () => {
      const result = await work({ ...options, ...call.options });
      await call.settle();
      return result;
    });
  } catch (failure) {
    throw isTooManyFiles(failure) ? tooManyFiles(failure) : failure;
  } finally {
    call.end();
  }
}

/** Callbacks of the caller that run during the work. */
type Callbacks = Pick<CommonOptions, 'onProgress' | 'onWarning' | 'onInfo'> &
  Pick<ExtractOptions, 'onEntry' | 'onTreeDigest'>;

/**
 * Wraps the caller's callbacks. Whatever they throw, at any stage, becomes DIMGX_CALLBACK_FAILED with the original
 * error as its cause. The promise of an async callback is not awaited; if it rejects, `fail` is called with the same
 * error.
 *
 * @param fail called with every failure
 */
export function guardCallbacks(callbacks: Callbacks, fail: (failure: DimgxError) => void): Callbacks {
  const guard = <Argument>(name: keyof Callbacks): ((argument: Argument) => void) | undefined => {
    const callback = callbacks[name] as ((argument: Argument) => unknown) | undefined;
    if (!callback) return undefined;
    return (argument) => {
      try {
        const returned = callback.call(callbacks, argument);
        if (isPromise(returned)) returned.then(undefined, (cause: unknown) => fail(callbackFailure(name, cause)));
      } catch (cause) {
        const failure = callbackFailure(name, cause);
        fail(failure);
        throw failure;
      }
    };
  };
  return {
    onProgress: guard('onProgress'),
    onWarning: guard('onWarning'),
    onInfo: guard('onInfo'),
    onEntry: guard('onEntry'),
    onTreeDigest: guard('onTreeDigest'),
  };
}

/**
 * Wraps what a callback threw in a coded error. Nested failures, from a callback that called another, are not wrapped
 * again.
 */
function callbackFailure(name: string, cause: unknown): DimgxError {
  if (cause instanceof DimgxError && cause.code === 'DIMGX_CALLBACK_FAILED') return cause;
  return new DimgxError('DIMGX_CALLBACK_FAILED', `the callback ${name} failed: ${reasonOf(cause)}`, { cause });
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
