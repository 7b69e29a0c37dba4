/** Bounds on what an image may make dimgx do. Work and memory stay proportional to them. */
export interface Limits {
  /** Of all layers, uncompressed, in bytes, the real sizes of sparse files counted (`--max-size`). */
  readonly maxSize: number;
  /** Tar entries in all layers together (`--max-entries`). */
  readonly maxEntries: number;
}

export const DEFAULT_LIMITS: Limits = { maxSize: 2 ** 40, maxEntries: 10_000_000 };

/** Followed for one path. Source: Linux, MAXSYMLINKS. */
export const MAX_SYMLINKS = 40;

/** Of a manifest, index or config, in bytes. */
export const MAX_DOCUMENT = 4 * 2 ** 20;
