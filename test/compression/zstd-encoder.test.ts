import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { nodeZstd, zstd } from '#dimgx/compression/zstd.js';
import { codecSamples, text } from '../helpers/codec-samples.js';
import { convert, cutAt, inPieces } from '../helpers/convert.js';
import { lacks } from '../helpers/engines.js';
import { temporaryFolder } from '../helpers/members.js';
import { runCommand } from '../helpers/run-command.js';
import { inTurn, shortOrLong } from '../helpers/short-or-long.js';
import { ZSTD_BACKENDS } from '../helpers/zstd-decoders.js';

/** Of what each frame holds. */
const PIECE = 4 * 1024 * 1024;
const isAble = nodeZstd() !== undefined || hasPackage();
const unable = 'of Node 22.15, or zstd-napi';

async function encoder(level = 3, threads = 2): Promise<Duplex> {
  return (await zstd.loadEncoder())({ level, threads });
}

async function encoded(bytes: Uint8Array, level?: number, threads?: number): Promise<Buffer> {
  return convert(await encoder(level, threads), inPieces(bytes, 2 ** 20));
}

function hasPackage(): boolean {
  try {
    createRequire(import.meta.url)('zstd-napi');
    return true;
  } catch {
    return false;
  }
}

describe.skipIf(!isAble)(`zstd is written (needs zstd ${unable})`, () => {
  describe.each(codecSamples(PIECE))('of %s', (_, bytes) => {
    test('and read here, by both ways', async () => {
      const written = await encoded(bytes);
      for (const { isMissing, decoder } of ZSTD_BACKENDS) {
        if (!isMissing) expect((await convert(await decoder(), inPieces(written, 99_991))).equals(bytes)).toBe(true);
      }
    });

    test.skipIf(lacks('zstd', 'bsdcat'))('as zstd and bsdcat read it (needs them)', async () => {
      for (const level of inTurn([1, 3, 9])) {
        const input = await encoded(bytes, level);
        expect((await runCommand('zstd', ['-qdc'], { input })).stdout.equals(bytes)).toBe(true);
        expect((await runCommand('bsdcat', [], { input })).stdout.equals(bytes)).toBe(true);
      }
    });
  });

  test.skipIf(lacks('zstd')).each(
    shortOrLong(
      [1, 3, 19],
      Array.from({ length: 19 }, (_, i) => i + 1),
    ),
  )('at level %i (needs zstd)', async (level) => {
    const bytes = text(PIECE + 100_000);
    const input = await encoded(bytes, level);
    expect((await runCommand('zstd', ['-qdc'], { input })).stdout.equals(bytes)).toBe(true);
  });

  test.skipIf(lacks('zstd'))('in frames that tell their length and have a checksum (needs zstd)', async () => {
    const path = join(await temporaryFolder(), 'frames.zst');
    await writeFile(path, await encoded(text(2 * PIECE + 1)));
    const { stdout } = await runCommand('zstd', ['-lv', path]);
    expect(stdout.toString()).toMatch(/Frames: 3\n/);
    expect(stdout.toString()).toContain('(8388609 B)');
    expect(stdout.toString()).toContain('Check: XXH64');
  });

  test('the same with any number of threads, and however it is given', async () => {
    const bytes = Buffer.concat([text(2 * PIECE + 1), Buffer.alloc(PIECE), text(PIECE)]);
    const one = await encoded(bytes, 3, 1);
    for (const threads of shortOrLong([3], [2, 3, 8]))
      expect((await encoded(bytes, 3, threads)).equals(one)).toBe(true);
    for (const places of [[1], [PIECE - 1], [PIECE], [PIECE + 1, 2 * PIECE]]) {
      expect((await convert(await encoder(), cutAt(bytes, ...places))).equals(one)).toBe(true);
    }
  });
});

test.skipIf(isAble)(
  'without what can write zstd, what to do is said (a Node before 22.15, without zstd-napi)',
  async () => {
    await expect(encoder()).rejects.toMatchObject({
      code: 'DIMGX_COMPRESSION_UNSUPPORTED',
      message: expect.stringMatching(
        /^Node 20\.[\d.]+ cannot write zstd: use Node 22\.15 or later, or install .*zstd-napi$/,
      ),
    });
  },
);
