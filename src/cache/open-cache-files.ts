import { printable } from '../base/text/printable.js';
import { DimgxError } from '../errors.js';
import { CacheFiles } from './cache-files.js';
import { cachePlace, checkCacheFolder } from './cache-folder.js';
import { cacheLimit } from './cache-limit.js';

/** A user's cache, opened for inspection. */
export interface OpenedFiles {
  readonly files: CacheFiles;
  /** Maximum size of the cache, in bytes. */
  readonly limit: number;
}

/**
 * The files of the user's cache. A cache that has never been used is empty.
 *
 * @throws DIMGX_STORE_UNUSABLE
 */
export function openCacheFiles(env: Readonly<Record<string, string | undefined>>): Promise<OpenedFiles> {
  const place = cachePlace(env);
  return withStoreErrors(place.path, async () => {
    await checkCacheFolder(place);
    return { files: new CacheFiles(place.path), limit: cacheLimit(env) };
  });
}

/**
 * @param folder of the cache
 * @throws DIMGX_STORE_UNUSABLE for an error without a code
 */
export async function withStoreErrors<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof DimgxError) throw cause;
    const reason = printable((cause as Error).message, 300);
    throw new DimgxError('DIMGX_STORE_UNUSABLE', `the cache ${printable(folder, 300)} cannot be used: ${reason}`, {
      cause,
    });
  }
}
