import { expect, test } from 'vitest';
import { relativeTime } from '#dimgx/cli/output/table.js';

const NOW = new Date('2015-06-15T12:00:00Z');

test.each([
  ['2015-06-15T12:00:00.4Z', 'now'],
  ['2015-06-15T11:59:59Z', '1 second ago'],
  ['2015-06-15T11:59:01Z', '59 seconds ago'],
  ['2015-06-15T11:58:59Z', '1 minute ago'],
  ['2015-06-14T18:00:00Z', '18 hours ago'],
  ['2015-06-14T17:59:59.123456789+02:00', '20 hours ago'],
  ['2015-06-13T11:00:00Z', '2 days ago'],
  ['2015-06-01T12:00:00Z', '2 weeks ago'],
  ['2015-04-10T00:00:00Z', '2 months ago'],
  ['1970-01-01T00:00:00Z', '45 years ago'],
  ['2015-06-15T15:00:00Z', 'in 3 hours'],
  ['0001-01-01T00:00:00Z', '-'],
  ['yesterday', '-'],
  ['', '-'],
  [undefined, '-'],
])('%s is %s', (created, words) => {
  expect(relativeTime(created, NOW)).toBe(words);
});
