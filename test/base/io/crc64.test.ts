import { expect, test } from 'vitest';
import { Crc64 } from '#dimgx/base/io/crc64.js';
import { crc64 } from '../../helpers/tar-split.js';

function sumOf(...pieces: readonly Uint8Array[]): string {
  const sum = new Crc64();
  for (const piece of pieces) sum.update(piece);
  return [sum.high, sum.low].map((half) => half.toString(16).padStart(8, '0')).join('');
}

test('the checksum of Go is that of its own example', () => {
  expect(sumOf(Buffer.from('123456789'))).toBe('b90956c775a41001');
  expect(sumOf()).toBe('0000000000000000');
});

test('pieces have the checksum of the whole', () => {
  const bytes = Buffer.from(Array.from({ length: 1000 }, (_, i) => (i * i) % 251));
  expect(sumOf(bytes.subarray(0, 333), bytes.subarray(333))).toBe(Buffer.from(crc64(bytes), 'base64').toString('hex'));
});
