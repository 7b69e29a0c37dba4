import { describe, expect, test } from 'vitest';
import { detectCompression } from '#dimgx/compression/codecs.js';
import { xz } from '#dimgx/compression/xz.js';
import { codecSamples, text } from '../helpers/codec-samples.js';
import { convert, cutAt, inPieces } from '../helpers/convert.js';
import { lacks } from '../helpers/engines.js';
import { runCommand } from '../helpers/run-command.js';
import { noise } from '../helpers/sample-image.js';
import { shortOrLong, someInTurn } from '../helpers/short-or-long.js';

const decoder = async () => (await xz.loadDecoder())();

const decoded = async (bytes: Uint8Array, pieceLength = 1000) => convert(await decoder(), inPieces(bytes, pieceLength));

async function compressed(input: Buffer, ...options: readonly string[]): Promise<Buffer> {
  return (await runCommand('xz', ['-c', ...options], { input })).stdout;
}

describe('xz is read as it is written', () => {
  const WAYS = [
    ...shortOrLong([0, 6], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]).map((level) => [`-${level}`]),
    ['-9e'],
    ['--check=none'],
    ['--check=crc32'],
    ['-T2', '--block-size=20000'],
    ['--lzma2=preset=6,lc=0,lp=2,pb=0'],
  ];
  const samples = codecSamples(70_000).map(([name, bytes], i) => [name, bytes, i] as const);

  describe.skipIf(lacks('xz')).each(samples)('by xz of %s (needs xz)', (_, bytes, number) => {
    test.each(someInTurn(WAYS, number, 2))('with %s', async (...options) => {
      const stored = await compressed(bytes, ...options);
      expect(detectCompression(stored)).toBe('xz');
      expect((await decoded(stored, 4999)).equals(bytes)).toBe(true);
    });
  });

  test.skipIf(lacks('pixz')).each(codecSamples(70_000))('by pixz of %s (needs pixz)', async (_, bytes) => {
    const { stdout } = await runCommand('pixz', ['-t'], { input: bytes });
    expect((await decoded(stdout, 4999)).equals(bytes)).toBe(true);
  });

  test.skipIf(lacks('bsdtar'))('by bsdtar (needs bsdtar)', async () => {
    const args = ['-C', import.meta.dirname, '-cf', '-', 'xz.test.ts'];
    const plain = await runCommand('bsdtar', ['-b1', ...args]);
    const stored = await runCommand('bsdtar', ['-b1', '-J', ...args]);
    const read = await decoded(stored.stdout);
    expect(read.length).toBeGreaterThan(5000);
    expect(read.equals(plain.stdout.subarray(0, read.length))).toBe(true);
  });
});

describe.skipIf(lacks('xz'))('xz is read (needs xz)', () => {
  const zeros = (length: number) => Buffer.alloc(length);
  const SIZE = shortOrLong(5000, 20_000);

  test('of several streams, and zeros behind each, cut wherever', async () => {
    const [some, none, more] = await Promise.all([text(SIZE), zeros(0), noise(SIZE)].map((part) => compressed(part)));
    if (!some || !none || !more) throw new Error('nothing was compressed');
    const contents = Buffer.concat([text(SIZE), text(SIZE), noise(SIZE)]);
    for (const parts of [
      [some, some, more],
      [some, zeros(4), some, zeros(8), more, zeros(4096)],
      [none, none, some, none, zeros(4), none, some, more, none],
    ]) {
      const stored = Buffer.concat(parts);
      for (const length of shortOrLong([1, 7, 1000, 2 ** 20], [1, 3, 4, 7, 1000, 65_536, 2 ** 20])) {
        expect((await decoded(stored, length)).equals(contents)).toBe(true);
      }
      for (const near of [0, some.length, stored.length]) {
        for (let at = Math.max(1, near - 20); at < Math.min(stored.length, near + 20); at += shortOrLong(6, 1)) {
          expect((await convert(await decoder(), cutAt(stored, at))).equals(contents)).toBe(true);
        }
      }
    }
  });

  test('with a dictionary of 64 MiB, and not of more', async () => {
    const bytes = text(200_000);
    expect((await decoded(await compressed(bytes, '--lzma2=dict=64MiB'))).equals(bytes)).toBe(true);
    const larger = await compressed(bytes, '--lzma2=dict=65MiB');
    await expect(decoded(larger)).rejects.toMatchObject(refused(/dictionary of more than 64 MiB/));
    const behind = Buffer.concat([await compressed(bytes), larger]);
    await expect(decoded(behind)).rejects.toMatchObject(refused(/dictionary/));
  });

  test.each([
    ['a filter for programs', ['--x86', '--lzma2']],
    ['the delta filter', ['--delta', '--lzma2']],
    ['a check of SHA-256', ['--check=sha256']],
  ])('but not with %s, which is said', async (_, options) => {
    await expect(decoded(await compressed(text(1000), ...options))).rejects.toMatchObject(refused(/filter .*check/));
  });

  test.each<[string, (bytes: Buffer) => Buffer]>([
    ['with a wrong check', (bytes) => flipped(bytes, bytes.length - 12 - 12 - 2)],
    ['with damaged data', (bytes) => flipped(bytes, bytes.length >> 1)],
    ['with a damaged index', (bytes) => flipped(bytes, bytes.length - 12 - 6)],
    ['with a damaged footer', (bytes) => flipped(bytes, bytes.length - 12)],
    ['with a damaged header', (bytes) => flipped(bytes, 9)],
    ['cut off in its footer', (bytes) => bytes.subarray(0, -1)],
    ['cut off before its footer', (bytes) => bytes.subarray(0, -12)],
    ['cut off in its data', (bytes) => bytes.subarray(0, bytes.length >> 1)],
    ['cut off in its magic', (bytes) => bytes.subarray(0, 5)],
    ['of nothing', () => zeros(0)],
    ['cut off in its second stream', (bytes) => Buffer.concat([bytes, bytes.subarray(0, 30)])],
    ['with three zeros behind it', (bytes) => Buffer.concat([bytes, zeros(3)])],
    ['with five zeros before another', (bytes) => Buffer.concat([bytes, zeros(5), bytes])],
    ['with zeros first', (bytes) => Buffer.concat([zeros(4), bytes])],
    ['with rubbish behind it', (bytes) => Buffer.concat([bytes, Buffer.from('rubbish!')])],
  ])('and refused %s', async (_, damage) => {
    const bytes = damage(await compressed(text(shortOrLong(50_000, 300_000))));
    for (const length of [100, bytes.length || 1, 2 ** 20]) {
      const failure = await decoded(bytes, length).catch((error: Error) => error);
      expect(failure).toBeInstanceOf(Error);
      expect(failure).not.toHaveProperty('code');
    }
  });

  test('by several at once', async () => {
    const make = await xz.loadDecoder();
    const contents = [text(300_000), noise(300_000), Buffer.alloc(300_000, 'x')];
    const read = contents.map(async (bytes) => convert(make(), inPieces(await compressed(bytes), 5000)));
    expect((await Promise.all(read)).map((bytes, i) => bytes.equals(contents[i] as Buffer))).toEqual([
      true,
      true,
      true,
    ]);
  });
});

function refused(reason: RegExp) {
  return { code: 'DIMGX_COMPRESSION_UNSUPPORTED', message: expect.stringMatching(reason) };
}

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] as number) ^ 1;
  return copy;
}
