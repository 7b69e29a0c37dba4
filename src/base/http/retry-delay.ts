/** Delays before retries, in milliseconds. */
export interface RetryDelays {
  /** Before the first retry; doubles with each further one. */
  readonly first: number;
  readonly longest: number;
}

/**
 * Delay before a retry: a random time between half and all of a backoff that doubles, so that clients do not all return
 * at once, but never less than the server asks for.
 *
 * @param repetition number of the retry, from 1
 * @param wanted delay the server asks for, in milliseconds
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
 * Parses `Retry-After`: seconds, or a date. Source: RFC 9110, section 10.2.3.
 *
 * @returns milliseconds; `undefined` if it is neither
 */
export function parseRetryAfter(header: string | undefined, now: number): number | undefined {
  const text = header?.trim() ?? '';
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const time = /^[A-Z][a-z]{2}/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? undefined : Math.max(0, time - now);
}
