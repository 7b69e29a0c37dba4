import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { pieceSink } from '#dimgx/base/io/byte-source.js';
import { noise } from '../../helpers/sample-image.js';

const BYTES = noise(1024 * 1024);
const stored = () => Readable.from([gzipSync(BYTES)]);

test('every piece is taken, one after another', async () => {
  const taken: Buffer[] = [];
  let busy = 0;
  const take = async (piece: Buffer) => {
    expect(++busy).toBe(1);
    await new Promise((resolve) => setImmediate(resolve));
    busy--;
    taken.push(piece);
  };
  await pipeline(stored(), createGunzip(), pieceSink(take));
  expect(Buffer.concat(taken).equals(BYTES)).toBe(true);
});

test.each([
  ['at once', () => Promise.reject(new Error('mine'))],
  ['later', () => new Promise<void>((_, reject) => setTimeout(reject, 10, new Error('mine')))],
  [
    'without a promise',
    () => {
      throw new Error('mine');
    },
  ],
])('what fails %s is what the pipeline fails with', async (_, take) => {
  await expect(pipeline(stored(), createGunzip(), pieceSink(take))).rejects.toThrow('mine');
});
