import { usageError } from './usage-error.js';

/**
 * A whole number in decimal digits.
 *
 * @throws DIMGX_CLI_USAGE
 */
export function parseCount(option: string, text: string, lowest: number, highest = Number.MAX_SAFE_INTEGER): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= lowest && count <= highest) return count;
  const bounds = highest === Number.MAX_SAFE_INTEGER ? `from ${lowest}` : `from ${lowest} to ${highest}`;
  throw usageError(`${option} wants a whole number ${bounds}, not "${text}"`);
}

const POWERS = 'kmgtp';

/**
 * A size in bytes, with the suffixes of GNU tools: `K`, `M`, `G`, `T`, `P` and `KiB`, `MiB`… are powers of 1024; `KB`, `MB`…
 * are powers of 1000; `B` or none is a byte. Either case; a fraction is allowed (`1.5G`).
 *
 * @throws DIMGX_CLI_USAGE
 */
export function parseSize(option: string, text: string): number {
  const [, digits, power = '', decimal] =
    /^(\d+(?:\.\d+)?)\s?(?:([kmgtp])(?:(b)|ib)?|b)?$/.exec(text.toLowerCase()) ?? [];
  const base = decimal === undefined ? 1024 : 1000;
  const size = Math.floor(Number(digits) * base ** (power === '' ? 0 : POWERS.indexOf(power) + 1));
  if (digits !== undefined && Number.isSafeInteger(size) && size > 0) return size;
  throw usageError(`${option} wants a size such as 500M, 10GB or 1TiB, not "${text}"`);
}
