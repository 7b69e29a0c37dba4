import { requireTexts } from '../check-options.js';
import type { CommonOptions } from '../options.js';
import type { Digest } from '../reference/digest.js';
import { findBlobs } from './find-blobs.js';
import { type CacheOptions, inCache } from './list-cache.js';
import { pruneFiles } from './prune-files.js';
import { verifyBlobs } from './verify-blobs.js';

/** Options of `verifyCache`. */
export interface VerifyCacheOptions extends CacheOptions, Pick<CommonOptions, 'onProgress'> {}

/** Options of `pruneCache`. */
export interface PruneCacheOptions extends CacheOptions {
  /** Maximum size of what is kept, in bytes. Default: the limit of the cache, `DIMGX_CACHE_SIZE` or 10 GB. */
  readonly maxSize?: number | undefined;
}

/** What `verifyCache` found. */
export interface VerifiedCache {
  /** The damaged blobs. They are no longer in the cache. */
  readonly damaged: readonly Digest[];
  /** Number of blobs that are not damaged. */
  readonly whole: number;
  /** Size of everything that was hashed, in bytes. */
  readonly size: number;
}

/** What `pruneCache` removed. */
export interface PrunedCache {
  /** The blobs that were removed, least recently used first. Incomplete downloads are not among them. */
  readonly removed: readonly Digest[];
  /** Size of everything that was removed, in bytes. */
  readonly freed: number;
  /** Size of what is left, in bytes. */
  readonly kept: number;
}

/** What `removeBlobs` removed. */
export interface RemovedBlobs {
  /** In the order of the names, without duplicates. */
  readonly removed: readonly Digest[];
  /** Size of these blobs and of the data derived from them, in bytes. */
  readonly freed: number;
}

/**
 * Hashes every blob in the cache, and removes the damaged ones. They are downloaded again when they are needed.
 *
 * @throws DIMGX_OPTION_INVALID, DIMGX_CACHE_UNUSABLE, DIMGX_CALLBACK_FAILED, DIMGX_ABORTED
 */
export async function verifyCache(options: VerifyCacheOptions = {}): Promise<VerifiedCache> {
  return inCache(options, async ({ files }, { signal, onProgress }) => {
    const entries = await files.entries();
    const total = entries.reduce((sum, { length }) => sum + length, 0);
    let done = 0;
    const onVerified = ({ length }: { readonly length: number }) => {
      done += length;
      onProgress?.({ stage: 'verify', item: 'the cache', done, total });
    };
    const damaged = await verifyBlobs(files, entries, { signal, onVerified });
    return { damaged: damaged.map(({ digest }) => digest), whole: entries.length - damaged.length, size: total };
  });
}

/**
 * Removes the least recently used blobs until the cache is small enough, and downloads that were last written over a
 * week ago. Downloads in progress are left alone, and processes that have a blob open can read it to its end.
 *
 * @throws DIMGX_OPTION_INVALID, DIMGX_CACHE_UNUSABLE, DIMGX_ABORTED
 */
export async function pruneCache(options: PruneCacheOptions = {}): Promise<PrunedCache> {
  return inCache(options, async ({ files, limit }) => {
    const { removed, freed, kept } = await pruneFiles(files, options.maxSize ?? limit);
    return { removed: removed.map(({ digest }) => digest), freed, kept };
  });
}

/**
 * Removes blobs from the cache. If a name matches no blob, or several, nothing is removed.
 *
 * @param names digests, or at least the first four hex digits of each
 * @throws DIMGX_OPTION_INVALID, DIMGX_CACHE_NO_SUCH_BLOB, DIMGX_CACHE_UNUSABLE, DIMGX_ABORTED
 */
export async function removeBlobs(names: readonly string[], options: CacheOptions = {}): Promise<RemovedBlobs> {
  requireTexts('the names', names);
  return inCache(options, async ({ files }) => {
    const found = findBlobs(await files.entries(), names);
    for (const { digest } of found) await files.remove(digest);
    const freed = found.reduce((sum, { length, derived }) => sum + length + derived, 0);
    return { removed: found.map(({ digest }) => digest), freed };
  });
}
