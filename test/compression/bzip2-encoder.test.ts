import type { Duplex } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { bzip2 } from '#dimgx/compression/bzip2.js';
import { codecSamples, text } from '../helpers/codec-samples.js';
import { convert, cutAt, inPieces } from '../helpers/convert.js';
import { lacks } from '../helpers/engines.js';
import { runCommand } from '../helpers/run-command.js';
import { inTurn, shortOrLong } from '../helpers/short-or-long.js';

/** Where the encoder cuts at level 1. */
const PIECE = 100_000;
const LEVELS = shortOrLong([1, 9], [1, 2, 3, 4, 5, 6, 7, 8, 9]);
const THREADS = shortOrLong([2, 8], [2, 3, 8]);
const TOOLS = ['bzip2', 'lbzip2', 'bsdcat'] as const;

async function encoder(level = 1, threads = 2): Promise<Duplex> {
  return (await bzip2.loadEncoder())({ level, threads });
}

async function encoded(bytes: Uint8Array, level?: number, threads?: number): Promise<Buffer> {
  return convert(await encoder(level, threads), inPieces(bytes, 2 ** 20));
}

describe('bzip2 is written', () => {
  describe.each(codecSamples(PIECE))('of %s', (_, bytes) => {
    test('and read here', async () => {
      const decoder = (await bzip2.loadDecoder())();
      const written = await encoded(bytes);
      expect((await convert(decoder, inPieces(written, 9973))).equals(bytes)).toBe(true);
      expect(written.length).toBeLessThan(bytes.length * 1.01 + 1000);
    });

    test.skipIf(lacks(...TOOLS)).each(TOOLS)('as %s reads it (needs all)', async (tool) => {
      for (const level of inTurn([1, 9])) {
        const { stdout } = await runCommand(tool, tool === 'bsdcat' ? [] : ['-dc'], {
          input: await encoded(bytes, level),
        });
        expect(stdout.equals(bytes)).toBe(true);
      }
    });
  });

  test('of nothing as bzip2 writes it', async () => {
    expect((await encoded(Buffer.alloc(0), 9)).toString('hex')).toBe('425a683917724538509000000000');
  });

  test.skipIf(lacks('bzip2')).each(LEVELS)('at level %i as bzip2 does, piece by piece (needs it)', async (level) => {
    const size = level * PIECE;
    const bytes = text(2 * size + 500);
    const streams = await Promise.all(
      [...inPieces(bytes, size)].map((piece) =>
        runCommand('bzip2', ['-c', `-${level}`], { input: Buffer.from(piece) }),
      ),
    );
    expect((await encoded(bytes, level)).equals(Buffer.concat(streams.map(({ stdout }) => stdout)))).toBe(true);
  });

  test('the same with any number of threads, at every level', async () => {
    const bytes = text(2_000_000);
    for (const level of LEVELS) {
      const one = await encoded(bytes, level, 1);
      for (const threads of THREADS) expect((await encoded(bytes, level, threads)).equals(one)).toBe(true);
    }
  });

  test('the same however it is given', async () => {
    const bytes = text(2 * PIECE + 100);
    const whole = await encoded(bytes);
    for (const places of [[1], [PIECE - 1], [PIECE], [PIECE + 1], [PIECE - 1, PIECE, PIECE + 1, 2 * PIECE]]) {
      expect((await convert(await encoder(), cutAt(bytes, ...places))).equals(whole)).toBe(true);
    }
    for (const length of [1000, 65_521]) {
      expect((await convert(await encoder(), inPieces(bytes, length))).equals(whole)).toBe(true);
    }
  });

  test('of little without a thread', async () => {
    const stream = await encoder();
    const handles = () => process.getActiveResourcesInfo().filter((name) => name === 'MessagePort').length;
    const before = handles();
    stream.write(text(PIECE - 1));
    let most = before;
    stream.on('data', () => {
      most = Math.max(most, handles());
    });
    stream.end();
    await new Promise((resolve) => stream.on('close', resolve));
    expect(most).toBe(before);
  });
});
