import { readSize } from '../../base/limits.js';
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

/**
 * A size in bytes, as `readSize` reads it.
 *
 * @throws DIMGX_CLI_USAGE
 */
export function parseSize(option: string, text: string, lowest = 1): number {
  const size = readSize(text);
  if (size !== undefined && size >= lowest) return size;
  throw usageError(`${option} wants a size such as 500M, 10GB or 1TiB, not "${text}"`);
}
