import type { Duplex } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { gzip } from '#dimgx/compression/gzip.js';
import { codecSamples, text } from '../helpers/codec-samples.js';
import { convert, cutAt, inPieces } from '../helpers/convert.js';
import { lacks } from '../helpers/engines.js';
import { runCommand } from '../helpers/run-command.js';
import { noise } from '../helpers/sample-image.js';
import { inTurn, shortOrLong } from '../helpers/short-or-long.js';

/** Where the encoder cuts. */
const PIECE = 512 * 1024;
const LEVELS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const TOOLS = ['gzip', 'pigz', 'bsdcat'] as const;

async function encoder(level = 6, threads = 2): Promise<Duplex> {
  return (await gzip.loadEncoder())({ level, threads });
}

async function encoded(bytes: Uint8Array, level?: number, threads?: number): Promise<Buffer> {
  return convert(await encoder(level, threads), inPieces(bytes, 2 ** 20));
}

function decompress(tool: (typeof TOOLS)[number], input: Buffer): Promise<Buffer> {
  return runCommand(tool, tool === 'bsdcat' ? [] : ['-dc'], { input }).then(({ stdout }) => stdout);
}

describe('gzip is written', () => {
  describe.each(codecSamples(PIECE))('of %s', (_, bytes) => {
    test.each(LEVELS)('at level %i, as one member', async (level) => {
      const written = await encoded(bytes, level);
      expect(gunzipSync(written).equals(bytes)).toBe(true);
      expect(written.readUInt32LE(written.length - 4)).toBe(bytes.length);
      expect(written.length).toBeLessThan(bytes.length * 1.001 + 100);
    });

    test.skipIf(lacks(...TOOLS)).each(TOOLS)('as %s reads it (needs gzip, pigz and bsdcat)', async (tool) => {
      for (const level of inTurn([0, 1, 6, 9])) {
        expect((await decompress(tool, await encoded(bytes, level))).equals(bytes)).toBe(true);
      }
    });
  });

  test('a higher level is no larger', async () => {
    const sizes: number[] = [];
    for (const level of [0, 1, 6, 9]) sizes.push((await encoded(text(3 * PIECE), level)).length);
    expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
    expect(new Set(sizes).size).toBe(sizes.length);
  });

  test('with what the end of a piece before has, without repeating it', async () => {
    const bytes = Buffer.alloc(8 * PIECE, noise(20_000));
    expect((await encoded(bytes)).length).toBeLessThan(4 * 20_000);
  });

  test('the same with any number of threads, at every level', async () => {
    const bytes = Buffer.concat([text(5 * PIECE + 1), Buffer.alloc(3 * PIECE), text(PIECE)]);
    for (const level of LEVELS) {
      const one = await encoded(bytes, level, 1);
      for (const threads of shortOrLong([3], [2, 3, 8]))
        expect((await encoded(bytes, level, threads)).equals(one)).toBe(true);
    }
  });

  test('the same however it is given', async () => {
    const bytes = text(2 * PIECE + 100);
    const whole = await encoded(bytes);
    const cuts = [[1], [PIECE - 1], [PIECE], [PIECE + 1], [PIECE - 1, PIECE, PIECE + 1, 2 * PIECE], [0, 0, 2 * PIECE]];
    for (const places of cuts) {
      expect((await convert(await encoder(), cutAt(bytes, ...places))).equals(whole)).toBe(true);
    }
    for (const length of [1000, 65_521]) {
      expect((await convert(await encoder(), inPieces(bytes, length))).equals(whole)).toBe(true);
    }
  });

  test('slowly read, it takes no more than it has room for', async () => {
    const stream = await encoder(0, 2);
    let taken = 0;
    const piece = Buffer.alloc(PIECE);
    for (let i = 0; i < 100; i++) stream.write(piece, () => ++taken);
    for (let before = -1; before !== taken; ) {
      before = taken;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    expect(taken).toBeLessThan(10);
    stream.end();
    let size = 0;
    for await (const bytes of stream) size += bytes.length;
    expect(taken).toBe(100);
    expect(size).toBeGreaterThan(100 * PIECE);
  });
});
