import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { createGunzip, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { bzip2 } from '#dimgx/compression/bzip2.js';
import { decodeInto } from '#dimgx/compression/decode-into.js';
import { gzip } from '#dimgx/compression/gzip.js';
import { xz } from '#dimgx/compression/xz.js';
import { lacks } from '../helpers/engines.js';
import { runCommand } from '../helpers/run-command.js';
import { ZSTD_BACKENDS } from '../helpers/zstd-decoders.js';

const contents = Buffer.concat([randomBytes(300_000), Buffer.alloc(1_000_000), randomBytes(300_000)]);
const stored = gzipSync(contents);

/** Two buffers in turn, as the contract allows. */
async function* inTwoBuffers(bytes: Uint8Array, length: number) {
  let [buffer, other] = [Buffer.alloc(length), Buffer.alloc(length)];
  for (let at = 0; at < bytes.length; at += length) {
    const piece = bytes.subarray(at, at + length);
    buffer.fill(0xff).set(piece);
    yield buffer.subarray(0, piece.length);
    [buffer, other] = [other, buffer];
  }
}

const DECODERS: [tool: string, decoder: () => Promise<Duplex>][] = [
  ...Object.entries({ gzip, bzip2, xz }).map(([name, codec]): [string, () => Promise<Duplex>] => [
    name,
    async () => (await codec.loadDecoder())(),
  ]),
  ...ZSTD_BACKENDS.filter(({ isMissing }) => !isMissing).map(({ decoder }): [string, typeof decoder] => [
    'zstd',
    decoder,
  ]),
];

describe.each(DECODERS)('what %s wrote may be overwritten later on, in pieces', (tool, decoder) => {
  test.skipIf(lacks(tool)).each([1000, 65_536, 10_000_000])(`of %i bytes (needs ${tool})`, async (length) => {
    const { stdout } = await runCommand(tool, ['-c'], { input: contents });
    const plain: Buffer[] = [];
    await decodeInto(await decoder(), inTwoBuffers(stdout, length), async (piece) => {
      await new Promise((resolve) => setImmediate(resolve));
      plain.push(Buffer.from(piece));
    });
    expect(Buffer.concat(plain).equals(contents)).toBe(true);
  });
});

describe('it fails with what', () => {
  const failure = new Error('enough');
  const discard = () => {};

  test('the decoder meets', async () => {
    const damaged = Buffer.from(stored);
    damaged.fill(0xff, 1000, 2000);
    await expect(decodeInto(createGunzip(), inTwoBuffers(damaged, 1000), discard)).rejects.toThrow(/invalid|incorrect/);
  });

  test('it meets where the stream ends too early', async () => {
    const cut = stored.subarray(0, stored.length - 10);
    await expect(decodeInto(createGunzip(), inTwoBuffers(cut, 1000), discard)).rejects.toThrow('unexpected end');
  });

  test('the giver throws', async () => {
    async function* failing() {
      yield stored.subarray(0, 1000);
      throw failure;
    }
    await expect(decodeInto(createGunzip(), failing(), discard)).rejects.toBe(failure);
  });

  test('the taker throws', async () => {
    let asked = 0;
    async function* counted() {
      for await (const piece of inTwoBuffers(stored, 1000)) {
        asked++;
        yield piece;
      }
    }
    const refuse = () => {
      throw failure;
    };
    await expect(decodeInto(createGunzip(), counted(), refuse)).rejects.toBe(failure);
    expect(asked).toBeLessThan(stored.length / 1000);
  });
});
