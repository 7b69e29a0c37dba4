import { describe, expect, test } from 'vitest';
import { bzip2 } from '#dimgx/compression/bzip2.js';
import { detectCompression } from '#dimgx/compression/codecs.js';
import { codecSamples, text } from '../helpers/codec-samples.js';
import { convert, cutAt, inPieces } from '../helpers/convert.js';
import { lacks } from '../helpers/engines.js';
import { MARKS, streamWithMark } from '../helpers/raw-bzip2.js';
import { runCommand } from '../helpers/run-command.js';
import { noise } from '../helpers/sample-image.js';
import { shortOrLong, someInTurn } from '../helpers/short-or-long.js';

const TOOLS = ['bzip2', 'lbzip2', 'pbzip2'] as const;
const LEVELS = shortOrLong([1, 9], [1, 4, 6, 9]);
const samples = codecSamples(100_000).map(([name, bytes], i) => [name, bytes, i] as const);
const EMPTY = Buffer.from('BZh9\x17\x72\x45\x38\x50\x90\0\0\0\0', 'latin1');

const decoder = async () => (await bzip2.loadDecoder())();

const decoded = async (bytes: Uint8Array, pieceLength = 1000) => convert(await decoder(), inPieces(bytes, pieceLength));

async function compressed(input: Buffer, tool = 'bzip2', level = 9): Promise<Buffer> {
  return (await runCommand(tool, ['-c', `-${level}`], { input })).stdout;
}

describe.skipIf(lacks(...TOOLS)).each(TOOLS)('bzip2 is read as %s writes it (needs all)', (tool) => {
  test.each(samples)('of %s, at every level', async (_, bytes, number) => {
    for (const level of someInTurn(LEVELS, number + TOOLS.indexOf(tool))) {
      const stored = await compressed(bytes, tool, level);
      if (tool !== 'pbzip2' || bytes.length > 0) expect(detectCompression(stored)).toBe('bzip2');
      if (stored.length > 0) expect((await decoded(stored, 4999)).equals(bytes)).toBe(true);
    }
  });
});

describe.skipIf(lacks('bzip2'))('bzip2 is read (needs bzip2)', () => {
  test.each([
    ['of one stream', [text(150_000)]],
    ['of several streams', [text(150_000), Buffer.from('x'), noise(120_000)]],
    ['with streams of nothing between', [Buffer.alloc(0), text(1000), Buffer.alloc(0), Buffer.alloc(0), text(9)]],
  ])('%s, cut wherever', async (_, contents) => {
    const stored = Buffer.concat(await Promise.all(contents.map((bytes) => compressed(bytes, 'bzip2', 1))));
    for (const length of shortOrLong([1, 7, 1000, 2 ** 20], [1, 2, 3, 7, 1000, 65_537, 2 ** 20])) {
      expect((await decoded(stored, length)).equals(Buffer.concat(contents))).toBe(true);
    }
    for (let place = 1; place < Math.min(stored.length, 40); place += shortOrLong(13, 1)) {
      for (const at of [place, stored.length - place]) {
        expect((await convert(await decoder(), cutAt(stored, at))).equals(Buffer.concat(contents))).toBe(true);
      }
    }
  });

  test('of runs, a block of which holds fifty times its size', async () => {
    const bytes = Buffer.concat([
      Buffer.alloc(shortOrLong(6_000_000, 30_000_000), 'a'),
      noise(1000),
      Buffer.alloc(1_000_000),
    ]);
    expect((await decoded(await compressed(bytes), 2 ** 20)).equals(bytes)).toBe(true);
  });

  test('of thousands of streams, as one file each has', async () => {
    const one = await compressed(Buffer.from('hello\n'));
    const stored = Buffer.concat(Array(3000).fill(one));
    for (const length of [99, 2 ** 20]) expect((await decoded(stored, length)).toString()).toBe('hello\n'.repeat(3000));
  });

  test.each(Object.entries(MARKS))('in which bits look like the mark of the %s', async (_, mark) => {
    const bytes = noise(3000);
    const stored = streamWithMark(bytes, mark);
    expect((await runCommand('bzip2', ['-dc'], { input: stored })).stdout.equals(bytes)).toBe(true);
    for (const length of [1, 1000, 2 ** 20]) expect((await decoded(stored, length)).equals(bytes)).toBe(true);
  });

  test.each<[string, (bytes: Buffer) => Buffer, RegExp]>([
    ['with a wrong checksum of its stream', (bytes) => flipped(bytes, bytes.length - 2), /checksum of a stream/],
    ['with a wrong checksum of its block', (bytes) => flipped(bytes, 11), /block is damaged/],
    ['with damaged data', (bytes) => flipped(bytes, bytes.length >> 1), /block is damaged/],
    ['without a block where one must be', (bytes) => flipped(bytes, 5), /neither a block/],
    [
      'of a level that is none',
      (bytes) => Buffer.concat([Buffer.from('BZh0'), bytes.subarray(4)]),
      /other than a stream/,
    ],
    ['of bzip1', (bytes) => Buffer.concat([Buffer.from('BZ09'), bytes.subarray(4)]), /other than a stream/],
    ['cut off in its end', (bytes) => bytes.subarray(0, -1), /too early/],
    ['cut off in its data', (bytes) => bytes.subarray(0, bytes.length >> 1), /too early/],
    ['cut off in its head', (bytes) => bytes.subarray(0, 3), /too early/],
    ['of nothing', () => Buffer.alloc(0), /too early/],
    ['cut off in its second stream', (bytes) => Buffer.concat([bytes, bytes.subarray(0, 30)]), /too early/],
    ['with rubbish behind it', (bytes) => Buffer.concat([bytes, Buffer.from('rubbish')]), /other than a stream/],
    ['with a byte behind it', (bytes) => Buffer.concat([bytes, Buffer.alloc(1)]), /too early/],
  ])('and refused %s', async (_, damage, reason) => {
    const bytes = damage(await compressed(text(shortOrLong(50_000, 300_000)), 'bzip2', 9));
    for (const length of [100, bytes.length || 1, 2 ** 20])
      await expect(decoded(bytes, length)).rejects.toThrow(reason);
  });
});

describe('bzip2 that is no bzip2 costs no more than it is long:', () => {
  const block = Buffer.from('314159265359', 'hex');
  test.each([
    ['blocks that begin and begin', Buffer.concat(Array(200_000).fill(block))],
    ['a block without end', Buffer.concat([block, noise(shortOrLong(5_000_000, 20_000_000))])],
    ['streams of nothing, and then something', Buffer.concat([...Array(50_000).fill(EMPTY.subarray(4)), noise(9)])],
  ])('%s', async (_, bytes) => {
    const head = EMPTY.subarray(0, 4);
    for (const length of [4096, 2 ** 20]) {
      await expect(decoded(Buffer.concat([head, bytes]), length)).rejects.toThrow(/damaged|other than a stream/);
    }
  });
});

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] as number) ^ 1;
  return copy;
}
