/** Bounds on what an image may make dimgx do. Work and memory stay proportional to them. */
export interface Limits {
  /** Of all layers, uncompressed, in bytes, the real sizes of sparse files counted (`--max-size`). */
  readonly maxSize: number;
  /** Tar entries in all layers together (`--max-entries`). */
  readonly maxEntries: number;
}

export const DEFAULT_LIMITS: Limits = { maxSize: 2 ** 40, maxEntries: 10_000_000 };

/** The limits with defaults for those that are not given. @param given whole numbers, or `Infinity` */
export function limitsOf(given: { readonly [Name in keyof Limits]?: number | undefined } = {}): Limits {
  const bound = (name: keyof Limits) => Math.min(given[name] ?? DEFAULT_LIMITS[name], Number.MAX_SAFE_INTEGER);
  return { maxSize: bound('maxSize'), maxEntries: bound('maxEntries') };
}

/** Followed for one path. Source: Linux, MAXSYMLINKS. */
export const MAX_SYMLINKS = 40;

/** Of a manifest, index or config, in bytes. */
export const MAX_DOCUMENT = 4 * 2 ** 20;
