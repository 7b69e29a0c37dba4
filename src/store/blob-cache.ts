import type { Warn } from '../errors.js';
import type { Digest } from '../image/digest.js';
import { printable } from '../image/printable.js';
import { cachePlace, prepareCacheFolder } from './cache-folder.js';
import { cacheLimit } from './cache-limit.js';
import { FolderCache } from './folder-cache.js';
import { SpoolCache } from './spool-cache.js';

/** The bytes of a blob, in a file that is read by position. They stay readable, whatever becomes of the cache. */
export interface CachedBlob {
  readonly fd: number;
  /** In bytes. */
  readonly length: number;
  close(): Promise<void>;
}

/**
 * Appends to the file all that the blob has from byte `from` on, one write after the other, and takes nothing back: what
 * has been written is being read meanwhile. A writer that cannot begin there skips what is there already. No more than
 * the blob's size may be written.
 */
export type DownloadBlob = (target: { readonly fd: number; readonly from: number }) => Promise<void>;

/** Blobs by their digests, for all processes of a user. */
export interface BlobCache {
  /** A blob that is there, or `undefined`. Its bytes were right when they were stored. */
  open(digest: Digest): Promise<CachedBlob | undefined>;
  /**
   * A blob that is there; else it is downloaded, by one process at a time, from where the last one that was cut has come
   * to. The bytes on the disk have been hashed when this returns. When the cache cannot be written, a temporary file
   * takes its place.
   *
   * @param size of the blob, in bytes
   * @throws DIMGX_IMAGE_SIZE_MISMATCH, DIMGX_IMAGE_DIGEST_MISMATCH; DIMGX_SOURCE_NO_SPACE; DIMGX_ABORTED; what `download`
   *   throws
   */
  fetch(digest: Digest, size: number, download: DownloadBlob): Promise<CachedBlob>;
  /** Forgets a blob that turned out to be damaged, and what was derived from it. */
  discard(digest: Digest): Promise<void>;
  /** What was derived from a blob and is kept beside it. Whoever asks for it checks it. */
  loadDerived(digest: Digest): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Keeps what can be derived again, if it can be kept. */
  saveDerived(digest: Digest, parts: readonly Uint8Array[]): Promise<void>;
  /** What the name of an image, with its registry, stood for when it was last asked for: its index or manifest. */
  recall(name: string): Promise<Digest | undefined>;
  /** @param name one line */
  remember(name: string, digest: Digest): Promise<void>;
  /** Waits for what is still being written. Blobs that are open stay open. @throws what `warn` has thrown meanwhile */
  close(): Promise<void>;
}

export interface BlobCacheOptions {
  /** Another folder than the user's; `false`: none. */
  readonly cache?: string | false | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** For what is not cached. Default: the system's temporary folder. */
  readonly tmpDir?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Is told, once, when the work goes on without the cache. */
  readonly warn: Warn;
}

/** Registries may want to be waited for as long, in milliseconds. */
const PATIENCE = 180_000;

/** Opens the cache of the user; where it cannot be used, one that keeps nothing. */
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
    warn({ code: 'DIMGX_STORE_NOT_USED', message, count: 1 });
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
