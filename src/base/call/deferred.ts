/**
 * Marks a promise as handled: Node ends the process when one rejects before something awaits it. Not unhandled: the
 * next `await` of the same promise rethrows it.
 */
export function handledLater<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

/** A promise that is settled from outside, once. Its rejection need not be awaited. */
export class Deferred<T> {
  resolve!: (value: T) => void;
  reject!: (failure: unknown) => void;
  readonly promise: Promise<T> = handledLater(
    new Promise<T>((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    }),
  );
}
