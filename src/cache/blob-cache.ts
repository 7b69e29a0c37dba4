import type { Region } from '../base/io/region.js';
import type { Digest } from '../reference/digest.js';

/** The bytes of a blob, in a file that is read by position. They stay readable, whatever becomes of the cache, as long as they are open. */
export interface CachedBlob {
  readonly region: Region;
  close(): Promise<void>;
}

/**
 * Appends to the file all that the blob has from byte `from` on, one write after the other, and takes nothing back: what
 * has been written is being read meanwhile. The blob begins at byte `start` of the file. A writer that cannot begin at `from`
 * skips what is there already. No more than the blob's size may be written.
 */
export type DownloadBlob = (target: DownloadTarget) => Promise<void>;

export interface DownloadTarget {
  readonly fd: number;
  readonly start: number;
  readonly from: number;
}

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
