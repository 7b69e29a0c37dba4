import type { Region } from '../base/io/region.js';
import type { Digest } from '../reference/digest.js';

/**
 * The bytes of a blob, in a file that is read by offset. They stay readable while the blob is open, whatever happens to
 * the cache.
 */
export interface CachedBlob {
  readonly region: Region;
  close(): Promise<void>;
}

/**
 * Appends the blob's bytes from offset `from` on to the file, one write after another. It must not rewrite anything:
 * the bytes written are read concurrently. The blob begins at offset `start` of the file. A download that cannot begin
 * at `from` must skip the bytes already there. No more than the blob's size may be written.
 */
export type DownloadBlob = (target: DownloadTarget) => Promise<void>;

export interface DownloadTarget {
  readonly fd: number;
  readonly start: number;
  readonly from: number;
}

/** Blobs by digest, shared by all processes of a user. */
export interface BlobCache {
  /** A blob that is cached, or `undefined`. Its bytes were verified when they were stored. */
  open(digest: Digest): Promise<CachedBlob | undefined>;
  /**
   * Returns the cached blob, or else downloads it. One process at a time downloads a blob, resuming any download that
   * was cut. The bytes on the disk have been hashed when this resolves. If the cache cannot be written, a temporary
   * file is used instead.
   *
   * @param size of the blob, in bytes
   * @throws DIMGX_IMAGE_SIZE_MISMATCH, DIMGX_IMAGE_DIGEST_MISMATCH; DIMGX_SOURCE_NO_SPACE; DIMGX_ABORTED; any error of
   *   `download`
   */
  fetch(digest: Digest, size: number, download: DownloadBlob): Promise<CachedBlob>;
  /** Removes a damaged blob, and the data derived from it. */
  discard(digest: Digest): Promise<void>;
  /** The data derived from a blob and stored beside it. It is not verified; the caller must check it. */
  loadDerived(digest: Digest): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Stores derived data if possible. A failure is ignored, because the data can be derived again. */
  saveDerived(digest: Digest, parts: readonly Uint8Array[]): Promise<void>;
  /**
   * The digest of the index or manifest that an image name, with its registry, referred to when it was last requested.
   */
  recall(name: string): Promise<Digest | undefined>;
  /** @param name one line */
  remember(name: string, digest: Digest): Promise<void>;
  /** Waits for pending writes. Blobs that are open stay open. @throws any error that `warn` has thrown meanwhile */
  close(): Promise<void>;
}
