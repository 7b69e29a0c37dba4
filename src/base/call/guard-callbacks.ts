import { DimgxError } from '../../errors.js';
import type { CommonOptions, ExtractOptions } from '../../options.js';
import { reasonOf } from './reason-of.js';

/** Functions of the caller that are called while the work is done. */
export type Callbacks = Pick<CommonOptions, 'onProgress' | 'onWarning' | 'onInfo'> & Pick<ExtractOptions, 'onEntry'>;

/**
 * The caller's callbacks, such that what they throw is DIMGX_CALLBACK_FAILED at any stage, with the caller's error as its
 * cause. Of an async callback the promise is not waited for; when it rejects, `fail` is called with the same error.
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

/** What a callback threw, as an error with a code. A failure of a callback that called another stays as it is. */
export function callbackFailure(name: string, cause: unknown): DimgxError {
  if (cause instanceof DimgxError && cause.code === 'DIMGX_CALLBACK_FAILED') return cause;
  return new DimgxError('DIMGX_CALLBACK_FAILED', `the callback ${name} failed: ${reasonOf(cause)}`, { cause });
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
