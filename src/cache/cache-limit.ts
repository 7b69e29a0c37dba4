import { readSize } from '../base/limits.js';
import { quoted } from '../base/text/printable.js';

/** Maximum size of the cache, in bytes. */
const DEFAULT_LIMIT = 10 * 1000 ** 3;

/**
 * The maximum size of the cache, in bytes: `DIMGX_CACHE_SIZE`, or else 10 GB.
 *
 * @throws an error that says in words what is wrong with the setting
 */
export function cacheLimit(env: Readonly<Record<string, string | undefined>>): number {
  const text = env.DIMGX_CACHE_SIZE;
  if (!text) return DEFAULT_LIMIT;
  const limit = readSize(text);
  if (limit !== undefined) return limit;
  throw new Error(`DIMGX_CACHE_SIZE is a size such as 500M, 10GB or 1TiB, not ${quoted(text)}`);
}
