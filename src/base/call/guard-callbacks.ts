import { DimgxError } from '../../errors.js';
import type { CommonOptions, ExtractOptions } from '../../options.js';
import { reasonOf } from './reason-of.js';

/** Callbacks of the caller that run during the work. */
export type Callbacks = Pick<CommonOptions, 'onProgress' | 'onWarning' | 'onInfo'> & Pick<ExtractOptions, 'onEntry'>;

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
  };
}

/**
 * Wraps what a callback threw in a coded error. Nested failures, from a callback that called another, are not wrapped
 * again.
 */
export function callbackFailure(name: string, cause: unknown): DimgxError {
  if (cause instanceof DimgxError && cause.code === 'DIMGX_CALLBACK_FAILED') return cause;
  return new DimgxError('DIMGX_CALLBACK_FAILED', `the callback ${name} failed: ${reasonOf(cause)}`, { cause });
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
