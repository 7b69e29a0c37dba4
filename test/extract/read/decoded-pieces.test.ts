import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { type CodecName, type CompressionName, codecOf } from '#dimgx/compression/codecs.js';
import { DecodedPieces, type OpenDecoder } from '#dimgx/extract/read/decoded-pieces.js';
import type { LayerBytes } from '#dimgx/layer/layer-index.js';
import { seeded } from '../../fuzz/random.js';
import { text } from '../../helpers/codec-samples.js';
import { PACKINGS, packed } from '../../helpers/packed-layers.js';
import { noise } from '../../helpers/sample-image.js';
import { shortOrLong } from '../../helpers/short-or-long.js';
import { storedRegion } from '../../helpers/stored-region.js';

const AHEAD = 128 * 1024;
const CODECS = PACKINGS.filter((name): name is CodecName => name !== 'none');

const open: OpenDecoder = async (compression, _, waiting) => (await codecOf(compression).loadDecoder())(waiting);

async function bytesOf(stored: Uint8Array, compression: CompressionName): Promise<LayerBytes> {
  return { stored: await storedRegion(stored), compression, length: 0, decoderMemory: 0, isChecked: true };
}

/** The same, as a part of an archive that is compressed as a whole. */
async function bytesWithin(stored: Uint8Array, compression: CompressionName): Promise<LayerBytes> {
  const [before, after] = [noise(300_000), noise(500_000)];
  const { file, length } = await storedRegion(packed(Buffer.concat([before, stored, after]), 'gzip'));
  const archive = { location: 'x.tar.gz', compression: 'gzip', offset: 0, length } as const;
  const region = { file, archive, offset: before.length, length: stored.length, compression };
  return { stored: region, compression, length: 0, decoderMemory: 0, isChecked: true };
}

const PLACES = { 'of its own': bytesOf, 'in a compressed archive': bytesWithin };

async function rest(pieces: DecodedPieces): Promise<Buffer> {
  const all: Buffer[] = [];
  for (let piece = await pieces.next(); piece; piece = await pieces.next()) all.push(piece);
  return Buffer.concat(all);
}

const plain = text(3_000_000);

describe.each(CODECS)('pieces of a layer in %s', (codec) => {
  const stored = packed(plain, codec);

  test.each(Object.entries(PLACES))('come in order, and then nothing, from a region %s', async (_, bytesAt) => {
    for (const length of [0, 1, 100_000, plain.length]) {
      const pieces = new DecodedPieces(await bytesAt(packed(plain.subarray(0, length), codec), codec), open, AHEAD);
      expect((await rest(pieces)).equals(plain.subarray(0, length))).toBe(true);
      expect(await pieces.next()).toBeUndefined();
      await pieces.close();
    }
  });

  test.each(Object.entries(PLACES))(
    'are closed at any moment, also while the reader waits, and just as they end, from a region %s',
    async (_, bytesAt) => {
      const random = seeded(1);
      const small = await bytesAt(packed(plain.subarray(0, 10_240), codec), codec);
      const large = await bytesAt(stored, codec);
      for (let run = 0; run < shortOrLong(60, 150); run++) {
        const pieces = new DecodedPieces(run % 3 === 0 ? large : small, open, AHEAD);
        for (let i = random(4); i > 0; i--) await pieces.next();
        const waiting = random(2) === 0 ? pieces.next() : undefined;
        waiting?.catch(() => undefined);
        for (let i = random(12); i > 0; i--) await Promise.resolve();
        if (random(3) === 0) await sleep(random(3));
        await Promise.all([pieces.close(), pieces.close()]);
        const end = await waiting?.catch((error: { code?: string }) => error.code);
        if (typeof end === 'string') expect(end).toBe('DIMGX_ABORTED');
        await expect(pieces.next()).rejects.toMatchObject({ code: 'DIMGX_ABORTED' });
      }
    },
  );

  test.each(Object.entries(PLACES))(
    'of damaged data end with an error, after those before, from a region %s',
    async (_, bytesAt) => {
      const damaged = Buffer.from(stored).fill(0x5a, stored.length - 3000, stored.length - 2000);
      for (const bytes of [damaged, stored.subarray(0, stored.length - 9)]) {
        const pieces = new DecodedPieces(await bytesAt(bytes, codec), open, AHEAD);
        await expect(rest(pieces)).rejects.toMatchObject({ code: 'DIMGX_COMPRESSION_CORRUPT' });
        await expect(pieces.next()).rejects.toMatchObject({ code: 'DIMGX_COMPRESSION_CORRUPT' });
        await pieces.close();
      }
    },
  );

  test('are made ahead of the reader, but not much', async () => {
    let given = 0;
    const counting: OpenDecoder = async (...wanted) => {
      const decoder = await open(...wanted);
      const push = decoder.push.bind(decoder);
      decoder.push = (piece) => {
        given += piece?.length ?? 0;
        return push(piece);
      };
      return decoder;
    };
    const pieces = new DecodedPieces(await bytesOf(stored, codec), counting, AHEAD);
    await expect.poll(() => given).toBeGreaterThan(AHEAD / 2);
    await sleep(50);
    // Those that wait here, those that wait in the decoder, and the block that a decoder takes apart at once.
    expect(given).toBeLessThan(2 * AHEAD + 256 * 1024);
    expect((await rest(pieces)).equals(plain)).toBe(true);
    await pieces.close();
  });
});

test('of an uncompressed layer in a compressed archive come in order, and end where it ends', async () => {
  const pieces = new DecodedPieces(await bytesWithin(plain, 'none'), open, AHEAD);
  expect((await rest(pieces)).equals(plain)).toBe(true);
  await pieces.close();
});

test('may be closed before their decoder is open, which is then destroyed', async () => {
  let decoder: Duplex | undefined;
  let goOn = () => {};
  const wait = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const late: OpenDecoder = async (...wanted) => {
    await wait;
    decoder = await open(...wanted);
    return decoder;
  };
  const pieces = new DecodedPieces(await bytesOf(packed(plain, 'gzip'), 'gzip'), late, AHEAD);
  const closing = pieces.close();
  goOn();
  await closing;
  expect(decoder?.destroyed).toBe(true);
});

test('end with the error of a decoder that cannot be opened', async () => {
  const failure = new Error('none');
  const pieces = new DecodedPieces(await bytesOf(packed(plain, 'gzip'), 'gzip'), () => Promise.reject(failure), AHEAD);
  await expect(pieces.next()).rejects.toBe(failure);
  await pieces.close();
});
