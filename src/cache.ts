/** The door `dimgx/cache`: what the cache of registry downloads holds. */
export type { BlobKind } from './cache/blob-kind.js';
export { makeCacheFolder } from './cache/cache-folder.js';
export { type CacheList, type CacheOptions, type ListedBlob, listCache, type PartialBlob } from './cache/list-cache.js';
export {
  type PruneCacheOptions,
  type PrunedCache,
  pruneCache,
  type RemovedBlobs,
  removeBlobs,
  type VerifiedCache,
  type VerifyCacheOptions,
  verifyCache,
} from './cache/tidy-cache.js';
export { DimgxError } from './errors.js';
