const POWERS = 'kmgtp';

/**
 * Parses a size with the suffixes of GNU tools: `K`, `M`, `G`, `T`, `P` and `KiB`, `MiB`… are powers of 1024; `KB`,
 * `MB`… are powers of 1000; `B` or no suffix is bytes. Case is ignored; fractions are allowed (`1.5G`).
 *
 * @returns bytes; `undefined` if it is not a size
 */
export function readSize(text: string): number | undefined {
  const [, digits, power = '', decimal] =
    /^(\d+(?:\.\d+)?)\s?(?:([kmgtp])(?:(b)|ib)?|b)?$/.exec(text.toLowerCase()) ?? [];
  const base = decimal === undefined ? 1024 : 1000;
  const size = Math.floor(Number(digits) * base ** (power === '' ? 0 : POWERS.indexOf(power) + 1));
  return digits !== undefined && Number.isSafeInteger(size) ? size : undefined;
}
