import type { RecordedTime } from '../recorded-entry.js';

const DAY = 86_400;

/** From 1 March of the year 0 to 1 January 1970, in days. A year from March to March has its leap day at its end. */
const TO_1970 = 719_468;

/** In days. The last of the four centuries has a day more, and so has the last of four years. */
const [FOUR_CENTURIES, CENTURY, FOUR_YEARS, YEAR] = [146_097, 36_524, 1_461, 365];

/**
 * A time in UTC, as ISO 8601: `2024-02-29T23:59:59Z`, or with nine digits of fraction if it has one. The fraction counts
 * forward, before 1970 too. A year before 0 or after 9999 has a sign and at least six digits: `+010000`, `-000001`. The
 * calendar has no end: any number of seconds has a text. (`Date` ends with the year 275760, and takes three times as long.)
 */
export function isoTime({ seconds, nanos }: RecordedTime): string {
  const second = ((seconds % DAY) + DAY) % DAY;
  const minute = Math.floor(second / 60);
  const time = `${TWO_DIGITS[Math.floor(minute / 60)]}:${TWO_DIGITS[minute % 60]}:${TWO_DIGITS[second % 60]}`;
  // beyond 2^53 seconds, the quotient is not exact
  const date = dateText(Math.round((seconds - second) / DAY) + TO_1970);
  return nanos === 0 ? `${date}T${time}Z` : `${date}T${time}.${nanoDigits(nanos)}Z`;
}

/** Nanoseconds as nine digits. */
export function nanoDigits(nanos: number): string {
  return nanos === 0 ? '000000000' : String(nanos).padStart(9, '0');
}

const TWO_DIGITS = Array.from({ length: 60 }, (_, number) => String(number).padStart(2, '0'));

/** @param days since 1 March of the year 0 */
function dateText(days: number): string {
  const cycle = Math.floor(days / FOUR_CENTURIES);
  let rest = days - cycle * FOUR_CENTURIES;
  const century = Math.min(Math.floor(rest / CENTURY), 3);
  rest -= century * CENTURY;
  const four = Math.floor(rest / FOUR_YEARS);
  rest -= four * FOUR_YEARS;
  const one = Math.min(Math.floor(rest / YEAR), 3);
  rest -= one * YEAR;
  // from March on, five months have 153 days: 31, 30, 31, 30, 31
  const month = Math.floor((5 * rest + 2) / 153);
  const day = rest - Math.floor((153 * month + 2) / 5) + 1;
  const year = 400 * cycle + 100 * century + 4 * four + one + (month < 10 ? 0 : 1);
  return `${yearText(year)}-${TWO_DIGITS[((month + 2) % 12) + 1]}-${TWO_DIGITS[day]}`;
}

function yearText(year: number): string {
  if (year >= 0 && year <= 9999) return String(year).padStart(4, '0');
  return `${year < 0 ? '-' : '+'}${String(Math.abs(year)).padStart(6, '0')}`;
}
