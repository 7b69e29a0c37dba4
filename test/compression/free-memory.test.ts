import { expect, test } from 'vitest';
import { freeMemory } from '#dimgx/compression/decode-into.js';

test('a buffer of its own is given back', () => {
  const piece = Buffer.allocUnsafeSlow(256 * 1024);
  freeMemory(piece);
  expect(piece.buffer.byteLength).toBe(0);
});

test('so is one whose last bytes the piece has', () => {
  const whole = Buffer.allocUnsafeSlow(256 * 1024);
  freeMemory(whole.subarray(1000));
  expect(whole.length).toBe(0);
});

test('one that goes on behind the piece stays', () => {
  const whole = Buffer.alloc(256 * 1024, 'x');
  freeMemory(whole.subarray(0, 1000));
  expect(whole.toString()).toBe('x'.repeat(256 * 1024));
});

test('the pool that small buffers share stays', () => {
  const small = Array.from({ length: 1000 }, (_, i) => Buffer.from(`number ${i}`));
  for (const each of small) freeMemory(each);
  expect(small.map(String)).toEqual(Array.from({ length: 1000 }, (_, i) => `number ${i}`));
});
