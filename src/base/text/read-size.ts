const POWERS = 'kmgtp';

/**
 * A size in bytes, with the suffixes of GNU tools: `K`, `M`, `G`, `T`, `P` and `KiB`, `MiB`… are powers of 1024; `KB`, `MB`…
 * are powers of 1000; `B` or none is a byte. Either case; a fraction is allowed (`1.5G`).
 *
 * @returns `undefined` for what is no size
 */
export function readSize(text: string): number | undefined {
  const [, digits, power = '', decimal] =
    /^(\d+(?:\.\d+)?)\s?(?:([kmgtp])(?:(b)|ib)?|b)?$/.exec(text.toLowerCase()) ?? [];
  const base = decimal === undefined ? 1024 : 1000;
  const size = Math.floor(Number(digits) * base ** (power === '' ? 0 : POWERS.indexOf(power) + 1));
  return digits !== undefined && Number.isSafeInteger(size) ? size : undefined;
}
