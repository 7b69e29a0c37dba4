import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { xz } from '#dimgx/compression/xz.js';
import { codecSamples, text } from '../helpers/codec-samples.js';
import { convert, cutAt, inPieces } from '../helpers/convert.js';
import { lacks } from '../helpers/engines.js';
import { temporaryFolder } from '../helpers/members.js';
import { runCommand } from '../helpers/run-command.js';
import { runScript } from '../helpers/run-script.js';
import { shortOrLong, someInTurn } from '../helpers/short-or-long.js';

const PACKAGE = join(import.meta.dirname, '../..');
/** Of a block at level 0. */
const PIECE = 2 ** 20;
const TEXT = text(3_300_000);
/** Level 6 makes one block of all of it, and takes a second for each megabyte. */
const LEVELS = shortOrLong(
  [
    [0, TEXT],
    [6, TEXT.subarray(0, 300_000)],
  ] as const,
  [0, 1, 3, 6, 9].map((level) => [level, TEXT] as const),
);
const EDGES = [PIECE - 1, PIECE, PIECE + 1, 2 * PIECE];
const PLACES = shortOrLong([[1], EDGES], [[1], [PIECE - 1], [PIECE], [PIECE + 1], EDGES]);
const TOOLS = ['xz', 'pixz', 'bsdcat'] as const;

async function encoder(level = 0, threads = 2): Promise<Duplex> {
  return (await xz.loadEncoder())({ level, threads });
}

async function encoded(bytes: Uint8Array, level?: number, threads?: number): Promise<Buffer> {
  return convert(await encoder(level, threads), inPieces(bytes, 2 ** 20));
}

const isMissing = await xz.loadEncoder().then(
  () => false,
  () => true,
);

describe.skipIf(isMissing)('xz is written (needs the package lzma-native)', () => {
  describe.each(codecSamples(PIECE).map(([name, bytes], i) => [name, bytes, i] as const))(
    'of %s',
    (_, bytes, number) => {
      test('and read here', async () => {
        const decoder = (await xz.loadDecoder())();
        const written = await encoded(bytes);
        expect((await convert(decoder, inPieces(written, 9973))).equals(bytes)).toBe(true);
        expect(written.length).toBeLessThan(bytes.length * 1.001 + 200);
      });

      test.skipIf(lacks(...TOOLS)).each(someInTurn(TOOLS, number))('as %s reads it (needs all)', async (tool) => {
        for (const level of shortOrLong([bytes.length < 1000 ? 6 : 0], [0, 6])) {
          const input = await encoded(bytes, level);
          const { stdout } = await runCommand(tool, tool === 'bsdcat' ? [] : tool === 'xz' ? ['-dc'] : ['-d'], {
            input,
          });
          expect(stdout.equals(bytes)).toBe(true);
        }
      });
    },
  );

  test.skipIf(lacks('xz')).each(LEVELS)('at level %i as xz does with threads (needs xz)', async (level, bytes) => {
    const { stdout } = await runCommand('xz', ['-c', '-T2', `-${level}`], { input: bytes });
    const input = await encoded(bytes, level);
    expect((await runCommand('xz', ['-dc'], { input })).stdout.equals(bytes)).toBe(true);
    expect(Math.abs(input.length - stdout.length)).toBeLessThan(stdout.length * 0.001 + 50);
  });

  test('the same with any number of threads', async () => {
    const bytes = text(4 * PIECE + 1);
    for (const level of shortOrLong([0], [0, 6])) {
      const one = await encoded(bytes, level, 1);
      for (const threads of shortOrLong([3], [2, 8]))
        expect((await encoded(bytes, level, threads)).equals(one)).toBe(true);
    }
  });

  test('the same however it is given', async () => {
    const bytes = text(2 * PIECE + 100);
    const whole = await encoded(bytes);
    for (const places of PLACES) {
      expect((await convert(await encoder(), cutAt(bytes, ...places))).equals(whole)).toBe(true);
    }
    for (const length of shortOrLong([65_521], [1000, 65_521])) {
      expect((await convert(await encoder(), inPieces(bytes, length))).equals(whole)).toBe(true);
    }
  });
});

test('without its package, writing xz says what to do before any work, and all else works', async () => {
  const folder = await temporaryFolder();
  await runCommand('cp', ['-r', ...['bin', 'dist', 'package.json'].map((part) => join(PACKAGE, part)), folder]);
  await mkdir(join(folder, 'node_modules'));
  for (const name of ['bzip2-wasm', 'valibot', 'pretty-bytes', 'yargs-parser', 'yargs']) {
    await symlink(join(PACKAGE, 'node_modules', name), join(folder, 'node_modules', name));
  }
  const image = join(PACKAGE, 'fixtures/busybox-docker.tar');
  const script = '"$DIMGX_NODE" "$1/bin/dimgx.js" "$2" -t "$1/out" "$3"; code=$?; ls "$1"; exit $code';
  const xzEnd = await runScript(script, folder, '-J', image);
  expect({ code: xzEnd.code, stdout: xzEnd.stdout.toString() }).toEqual({
    code: 2,
    stdout: 'bin\ndist\nnode_modules\npackage.json\n',
  });
  expect(xzEnd.stderr).toMatch(
    /^dimgx: DIMGX_COMPRESSION_UNSUPPORTED: writing xz needs .*npm install lzma-native.*\n$/,
  );
  expect((await runScript(script, folder, '-j', image)).code).toBe(0);
});
