import { expect, test } from 'vitest';
import { formatSize, parseSize } from '#dimgx/base/limits.js';

test.each([
  [0, '0 bytes'],
  [1500, '1500 bytes'],
  [1024, '1 KiB'],
  [3 * 2 ** 20, '3 MiB'],
  [1536 * 2 ** 20, '1536 MiB'],
  [2 ** 40, '1 TiB'],
  [10_000_000, '10 MB'],
  [Number.MAX_SAFE_INTEGER, `${Number.MAX_SAFE_INTEGER} bytes`],
])('%d is shown as %s, exactly', (bytes, text) => {
  expect(formatSize(bytes)).toBe(text);
  expect(parseSize(text.replace(' bytes', ''))).toBe(bytes);
});
