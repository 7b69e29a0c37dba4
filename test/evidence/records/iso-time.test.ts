import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isoTime } from '#dimgx/evidence/records/iso-time.js';

const at = (seconds: number, nanos = 0) => isoTime({ seconds, nanos });

/** The last second that `Date` can hold. */
const LAST_DATE = 8.64e12;

test('a whole second has no fraction', () => {
  expect(at(0)).toBe('1970-01-01T00:00:00Z');
  expect(at(1_709_251_199)).toBe('2024-02-29T23:59:59Z');
});

test('a fraction has nine digits and counts forward, before 1970 too', () => {
  expect(at(1_700_000_000, 1)).toBe('2023-11-14T22:13:20.000000001Z');
  expect(at(-1, 500_000_000)).toBe('1969-12-31T23:59:59.500000000Z');
});

test('years of more than four digits and years before 0 have a sign and at least six digits', () => {
  expect(at(253_402_300_799)).toBe('9999-12-31T23:59:59Z');
  expect(at(253_402_300_800)).toBe('+010000-01-01T00:00:00Z');
  expect(at(-62_167_219_200)).toBe('0000-01-01T00:00:00Z');
  expect(at(-62_167_219_201)).toBe('-000001-12-31T23:59:59Z');
});

test('it is the text of Date, for every time that Date can hold', () => {
  const seconds = fc.oneof(
    fc.integer({ min: -1e10, max: 1e10 }),
    fc.integer({ min: -LAST_DATE, max: LAST_DATE }),
    // around the turn of years, of every kind
    fc
      .tuple(fc.integer({ min: -400, max: 2400 }), fc.integer({ min: -60 * 86_400, max: 70 * 86_400 }))
      .map(([year, by]) => {
        const turn = new Date(0);
        turn.setUTCFullYear(year, 0, 1);
        return turn.getTime() / 1000 + by;
      }),
  );
  fc.assert(
    fc.property(seconds, (time) => {
      expect(at(time)).toBe(new Date(time * 1000).toISOString().replace('.000Z', 'Z'));
    }),
    { numRuns: 3000 },
  );
});

describe('times that Date cannot hold', () => {
  test('the largest and the smallest of a tar', () => {
    expect(at(2 ** 63)).toBe('+292277026596-12-04T15:30:08Z');
    expect(at(-(2 ** 63))).toBe('-292277022657-01-27T08:29:52Z');
  });

  test('400 years make no difference but to the year', () => {
    const cycle = 146_097 * 86_400;
    const random = fc.tuple(fc.integer({ min: 0, max: cycle - 1 }), fc.integer({ min: -200_000, max: 200_000 }));
    fc.assert(
      fc.property(random, ([time, cycles]) => {
        const [, year = '', rest] = /^([+-]?\d+)(-.*)$/.exec(at(time + cycles * cycle)) ?? [];
        expect(rest).toBe(at(time).slice(4));
        expect(Number(year)).toBe(Number(at(time).slice(0, 4)) + 400 * cycles);
      }),
    );
  });
});
