import type { Digest } from '../image/digest.js';

/** A blob that can be read by position. */
export interface CachedBlob {
  readonly fd: number;
  /** In bytes. */
  readonly length: number;
  close(): Promise<void>;
}

/** Where a blob is to be written. */
export interface DownloadTarget {
  readonly fd: number;
  /** Bytes that are there already. */
  readonly from: number;
}

/** Keeps blobs by digest. */
export interface BlobCache {
  /** @returns `undefined` when it does not have it */
  open(digest: Digest): Promise<CachedBlob | undefined>;
  /**
   * The blob, downloaded if it is not there.
   *
   * @param size in bytes
   * @param download writes what is missing; all is there and verified when it resolves
   */
  fetch(digest: Digest, size: number, download: (target: DownloadTarget) => Promise<void>): Promise<CachedBlob>;
}
