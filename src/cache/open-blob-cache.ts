import type { Environment } from '../base/io/folders.js';
import { printable } from '../base/text/printable.js';
import type { Warn } from '../errors.js';
import type { BlobCache } from './blob-cache.js';
import { cacheLimit, cachePlace, prepareCacheFolder } from './cache-folder.js';
import { FolderCache } from './folder-cache.js';
import { SpoolCache } from './spool-cache.js';

export interface BlobCacheOptions {
  /** A folder to use instead of the user's; `false` for no cache. */
  readonly cache?: string | false | undefined;
  readonly env: Environment;
  /** For blobs that are not cached. Default: the system's temporary folder. */
  readonly tmpDir?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called once, when work continues without the cache. */
  readonly warn: Warn;
}

/** In milliseconds. A registry may make the other process wait this long. */
const PATIENCE = 180_000;

/** Opens the user's cache. If it cannot be used, opens one that keeps nothing. */
export async function openBlobCache(options: BlobCacheOptions): Promise<BlobCache> {
  const { cache, tmpDir, warn, signal } = options;
  const spools = new SpoolCache(tmpDir);
  if (cache === false) return spools;
  const env = cache === undefined ? options.env : { ...options.env, DIMGX_CACHE: cache };
  const place = cachePlace(env);
  let isSaid = false;
  const notUsed = (reason: string) => {
    if (isSaid) return;
    isSaid = true;
    const message = `the cache ${printable(place.path, 300)} is not used: ${printable(reason, 300)}`;
    warn({ code: 'DIMGX_CACHE_NOT_USED', message, count: 1 });
  };
  try {
    const limit = cacheLimit(env);
    await prepareCacheFolder(place);
    return new FolderCache({ folder: place.path, limit, spools, notUsed, signal, patience: PATIENCE });
  } catch (failure) {
    notUsed((failure as Error).message);
    return spools;
  }
}
