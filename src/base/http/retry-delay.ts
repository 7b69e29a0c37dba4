/** What is waited before a request is made again, in milliseconds. */
export interface RetryDelays {
  /** Before the first repetition; doubled before each further one. */
  readonly first: number;
  readonly longest: number;
}

/**
 * How long to wait before a request is made again: at random between the half and the whole of a time that doubles, so that
 * many do not come back at once, and never sooner than the server wants.
 *
 * @param repetition from 1
 * @param wanted by the server, in milliseconds
 */
export function retryDelay(
  repetition: number,
  { first, longest }: RetryDelays,
  wanted = 0,
  random: () => number = Math.random,
): number {
  const whole = Math.min(first * 2 ** (repetition - 1), longest);
  return Math.max(wanted, (whole * (1 + random())) / 2);
}

/**
 * Reads `Retry-After`: seconds, or a date. Source: RFC 9110, section 10.2.3.
 *
 * @returns milliseconds; `undefined` for what is neither
 */
export function parseRetryAfter(header: string | undefined, now: number): number | undefined {
  const text = header?.trim() ?? '';
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const time = /^[A-Z][a-z]{2}/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? undefined : Math.max(0, time - now);
}
