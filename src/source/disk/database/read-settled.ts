import { quoted } from '../../../base/text/printable.js';
import { DimgxError } from '../../../errors.js';
import type { StoreFiles } from '../store-files.js';

/** How often a database that is being written is read. */
const TRIES = 10;
/** In milliseconds: engines commit several times in a row. */
const PAUSE = 10;

/**
 * Reads a database that its engine may be writing, until nothing was committed while it was read. Nothing is locked:
 * some engines hold the lock as long as they run.
 *
 * @param read returns `changed` if something was
 * @throws DIMGX_SOURCE_CHANGED; what `read` throws
 */
export function readSettled<T>({ location }: StoreFiles, path: string, read: () => T | 'changed'): T {
  for (let left = TRIES; left > 0; left -= 1) {
    const result = read();
    if (result !== 'changed') return result;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE);
  }
  const message = `the database ${quoted(path)} in ${location} was written to while it was read: try again`;
  throw new DimgxError('DIMGX_SOURCE_CHANGED', message);
}
