import { withCall } from '../base/call/call.js';
import { checkOptions, requireCacheFolder } from '../check-options.js';
import type { CommonOptions } from '../options.js';
import type { Digest } from '../reference/digest.js';
import { type BlobKind, blobKind } from './blob-kind.js';
import type { CacheEntry, CacheFiles, NamedDigest } from './cache-files.js';
import { type OpenedFiles, openCacheFiles, withCacheErrors } from './cache-folder.js';

/** Options of the functions that look at the cache or change it. */
export interface CacheOptions extends Pick<CommonOptions, 'signal'> {
  /** Folder of the cache. Default: the user's cache. */
  readonly cache?: string | undefined;
}

/** A blob in the cache. */
export interface ListedBlob {
  readonly digest: Digest;
  /** In bytes. */
  readonly size: number;
  /** Size of the data derived from the blob, in bytes. */
  readonly indexSize: number;
  readonly lastUsed: Date;
  /** What the blob appears to be. Absent if that is unknown. */
  readonly kind?: BlobKind;
  /** Image names that had this digest when they were last requested. Untrusted text. */
  readonly names: readonly string[];
}

/** A download that is incomplete. */
export interface PartialBlob {
  /** Digest of the whole blob. */
  readonly digest: Digest;
  /** Size of what was downloaded, in bytes. */
  readonly size: number;
  readonly lastWritten: Date;
}

/** What is in a cache. */
export interface CacheList {
  readonly folder: string;
  /** Maximum size of the cache, in bytes: `DIMGX_CACHE_SIZE`, or 10 GB. */
  readonly limit: number;
  /** Current size of everything listed, in bytes. */
  readonly size: number;
  /** Most recently used first. */
  readonly blobs: readonly ListedBlob[];
  readonly partial: readonly PartialBlob[];
}

/**
 * Lists what is in the cache. A cache that was never used is empty, and its folder is not created. Listing a blob does
 * not count as using it.
 *
 * @throws DIMGX_OPTION_INVALID, DIMGX_CACHE_UNUSABLE, DIMGX_ABORTED
 */
export async function listCache(options: CacheOptions = {}): Promise<CacheList> {
  return inCache(options, ({ files, limit }) => list(files, limit));
}

/**
 * Opens a cache, and runs work on it as one call.
 *
 * @param work receives the cache, and the options in the form the stages take
 * @throws DIMGX_OPTION_INVALID, DIMGX_CACHE_UNUSABLE, DIMGX_CALLBACK_FAILED, DIMGX_ABORTED, and what `work` throws
 */
export async function inCache<Options extends CacheOptions & Pick<CommonOptions, 'onProgress'>, Result>(
  options: Options,
  work: (
    cache: OpenedFiles,
    stageOptions: Pick<CommonOptions, 'onProgress'> & { signal: AbortSignal },
  ) => Promise<Result>,
): Promise<Result> {
  requireCacheFolder(options);
  checkOptions(options);
  const { cache } = options;
  return withCall(options, async (stageOptions) => {
    const opened = await openCacheFiles(cache === undefined ? process.env : { ...process.env, DIMGX_CACHE: cache });
    return withCacheErrors(opened.files.folder, () => work(opened, stageOptions));
  });
}

async function list(files: CacheFiles, limit: number): Promise<CacheList> {
  const entries = (await files.entries()).toSorted((a, b) => b.lastUsed.getTime() - a.lastUsed.getTime());
  const named = await files.names();
  const blobs = await Promise.all(entries.map((entry) => listedBlob(files, entry, named)));
  const partial = (await files.unfinished()).flatMap(({ digest, length: size, lastWritten }) =>
    digest === undefined ? [] : { digest, size, lastWritten },
  );
  const size = [...blobs, ...partial].reduce(
    (sum, each) => sum + each.size + ('names' in each ? each.indexSize : 0),
    0,
  );
  return { folder: files.folder, limit, size, blobs, partial };
}

async function listedBlob(files: CacheFiles, entry: CacheEntry, named: readonly NamedDigest[]): Promise<ListedBlob> {
  const { digest, length: size, derived: indexSize, lastUsed } = entry;
  const kind = await blobKind(files.blob(digest)).catch(() => undefined);
  const names = named.filter((each) => each.digest === digest).map(({ name }) => name);
  return { digest, size, indexSize, lastUsed, ...(kind && { kind }), names };
}
