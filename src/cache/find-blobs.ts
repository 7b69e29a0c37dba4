import { quoted } from '../base/text/printable.js';
import { DimgxError } from '../errors.js';
import type { CacheEntry } from './cache-files.js';

/** Shorter prefixes are more likely a slip than a blob. */
const SHORTEST = 4;

/**
 * The blobs that names refer to. A name is a digest, or a prefix of its hex digits.
 *
 * @throws DIMGX_CACHE_NO_SUCH_BLOB when a name matches no blob, or several
 */
export function findBlobs(entries: readonly CacheEntry[], names: readonly string[]): readonly CacheEntry[] {
  return [...new Set(names.map((name) => findBlob(entries, name)))];
}

function findBlob(entries: readonly CacheEntry[], name: string): CacheEntry {
  const isLongEnough = name.slice(name.indexOf(':') + 1).length >= SHORTEST;
  const fitting = isLongEnough ? entries.filter(({ digest }) => begins(digest, name)) : [];
  const [found, ...others] = fitting;
  if (found && others.length === 0) return found;
  const why = found
    ? `several blobs match: ${fitting.map(({ digest }) => digest).join(', ')}`
    : `no blob in the cache matches${isLongEnough ? '' : `, and a prefix needs ${SHORTEST} digits`}`;
  throw new DimgxError('DIMGX_CACHE_NO_SUCH_BLOB', `${quoted(name)} does not name one blob: ${why}`);
}

function begins(digest: string, name: string): boolean {
  const wanted = name.toLowerCase();
  return wanted.includes(':') ? digest.startsWith(wanted) : digest.slice(digest.indexOf(':') + 1).startsWith(wanted);
}
