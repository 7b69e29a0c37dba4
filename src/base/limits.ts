import { DimgxError, wrongType } from '../errors.js';

/** Limits on the resources an image may consume. Work and memory stay proportional to them. */
export interface Limits {
  /** Total uncompressed size of all layers, in bytes; sparse files count with their real size. */
  readonly maxSize: number;
  /** Total number of tar entries in all layers. */
  readonly maxEntries: number;
}

export const DEFAULT_LIMITS: Limits = { maxSize: 2 ** 40, maxEntries: 10_000_000 };

/** Fills in the defaults of absent limits. @param given whole numbers, or `Infinity` */
export function limitsOf(given: { readonly [Name in keyof Limits]?: number | undefined } = {}): Limits {
  const bound = (name: keyof Limits) => Math.min(given[name] ?? DEFAULT_LIMITS[name], Number.MAX_SAFE_INTEGER);
  return { maxSize: bound('maxSize'), maxEntries: bound('maxEntries') };
}

/** @param what unpacks to more than `maxSize` */
export function tooLarge(what: string, maxSize: number): DimgxError {
  return new DimgxError('DIMGX_LIMIT_SIZE', `${what} is larger than ${formatSize(maxSize)}`);
}

/** @param what has more than `maxEntries` */
export function tooManyEntries(what: string, maxEntries: number): DimgxError {
  return new DimgxError('DIMGX_LIMIT_ENTRIES', `${what} has more than ${maxEntries} entries`);
}

/** Maximum number of symlinks followed for one path. Source: Linux, MAXSYMLINKS. */
export const MAX_SYMLINKS = 40;

/** Maximum size of a manifest, index or config, in bytes. */
export const MAX_DOCUMENT = 4 * 2 ** 20;

const POWERS = 'kmgtp';

/** A size for messages, exact: `1 MiB`, `2 GB`, `1500 bytes`. */
export function formatSize(bytes: number): string {
  for (const [base, suffix] of [
    [1024, 'iB'],
    [1000, 'B'],
  ] as const) {
    for (let power = POWERS.length; power > 0; power--) {
      const count = bytes / base ** power;
      if (count >= 1 && Number.isInteger(count)) return `${count} ${POWERS[power - 1]?.toUpperCase()}${suffix}`;
    }
  }
  return `${bytes} bytes`;
}

/**
 * Parses a size with the suffixes of GNU tools: `K`, `M`, `G`, `T`, `P` and `KiB`, `MiB`… are powers of 1024; `KB`,
 * `MB`… are powers of 1000; `B` or no suffix is bytes. Case is ignored; fractions are allowed (`1.5G`).
 *
 * @returns bytes; `undefined` if it is not a size
 * @throws DIMGX_OPTION_INVALID if it is not a string
 */
export function parseSize(text: string): number | undefined {
  if (typeof text !== 'string') throw wrongType('the size', 'a string', text);
  const [, digits, power = '', decimal] =
    /^(\d+(?:\.\d+)?)\s?(?:([kmgtp])(?:(b)|ib)?|b)?$/.exec(text.toLowerCase()) ?? [];
  const base = decimal === undefined ? 1024 : 1000;
  const size = Math.floor(Number(digits) * base ** (power === '' ? 0 : POWERS.indexOf(power) + 1));
  return digits !== undefined && Number.isSafeInteger(size) ? size : undefined;
}
