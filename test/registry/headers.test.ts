import { describe, expect, test } from 'vitest';
import { parseContentRange } from '#dimgx/base/http/headers.js';
import { parseRetryAfter, retryDelay } from '#dimgx/base/http/http-failure.js';

describe('Content-Range', () => {
  test.each([
    ['bytes 0-9/10', { first: 0, last: 9, total: 10 }],
    ['Bytes 5-5/*', { first: 5, last: 5, total: undefined }],
    [' bytes 5-9/100 ', { first: 5, last: 9, total: 100 }],
  ])('%s is a part', (header, range) => {
    expect(parseContentRange(header)).toEqual(range);
  });

  test.each([undefined, '', 'bytes */10', 'bytes 9-5/10', 'bytes 0-10/10', 'lines 0-9/10', 'bytes 0-9', 'bytes -9/10'])(
    '%s is none',
    (header) => {
      expect(parseContentRange(header)).toBeUndefined();
    },
  );
});

describe('Retry-After', () => {
  const now = Date.parse('2026-01-02T03:04:05Z');

  test.each([
    ['0', 0],
    ['120', 120_000],
    ['Fri, 02 Jan 2026 03:04:35 GMT', 30_000],
    ['Fri, 02 Jan 2015 03:04:35 GMT', 0],
    ['', undefined],
    [undefined, undefined],
    ['-1', undefined],
    ['1.5', undefined],
    ['soon', undefined],
  ])('%s', (header, expected) => {
    expect(parseRetryAfter(header, now)).toBe(expected);
  });

  test('is not undercut, and without it the time doubles, and is at random', () => {
    const delays = { first: 100, longest: 500 };
    const all = (random: number) => [1, 2, 3, 4, 9].map((time) => retryDelay(time, delays, 0, () => random));
    expect(all(0)).toEqual([50, 100, 200, 250, 250]);
    expect(all(1)).toEqual([100, 200, 400, 500, 500]);
    expect(retryDelay(1, delays, 3000)).toBe(3000);
  });
});
