import { describe, expect, test } from 'vitest';
import { detectCompression } from '#dimgx/compression/codecs.js';
import { codecSamples, text } from '../helpers/codec-samples.js';
import { convert, cutAt, inPieces } from '../helpers/convert.js';
import { lacks } from '../helpers/engines.js';
import { rawFrame, runFrame, skippableFrame } from '../helpers/raw-zstd.js';
import { runCommand } from '../helpers/run-command.js';
import { noise } from '../helpers/sample-image.js';
import { shortOrLong, someInTurn } from '../helpers/short-or-long.js';
import { ZSTD_BACKENDS } from '../helpers/zstd-decoders.js';

const WAYS = [['-1'], ['-3', '--no-check'], ['-19'], ['--ultra', '-22', '--long=27'], ['-T2', '-B1M']];
const samples = codecSamples(128 * 1024).map(([name, bytes], i) => [name, bytes, i] as const);
const hello = Buffer.from('hello');
/** More than one step of a decoder takes. */
const FRAMES = shortOrLong(1500, 5000);
const skipped = skippableFrame(noise(1000));

async function compressed(bytes: Buffer, ...options: readonly string[]): Promise<Buffer> {
  return (await runCommand('zstd', ['-qc', ...options], { input: bytes })).stdout;
}

test('a skippable frame is a beginning of zstd, of whatever kind', () => {
  for (let kind = 0; kind < 16; kind++) {
    expect(detectCompression(skippableFrame(hello, kind).subarray(0, 6))).toBe('zstd');
  }
  expect(detectCompression(Buffer.from('\x60*M\x18\0\0', 'latin1'))).toBe('none');
});

describe.each(ZSTD_BACKENDS)('zstd is read by $name', ({ isMissing, decoder }) => {
  const decoded = async (bytes: Uint8Array, pieceLength = 1000) =>
    convert(await decoder(), inPieces(bytes, pieceLength));

  describe.skipIf(isMissing)('as frames', () => {
    test.each([
      ['one', rawFrame(hello), 'hello'],
      ['one of nothing', rawFrame(Buffer.alloc(0)), ''],
      ['several', Buffer.concat([rawFrame(hello), rawFrame(Buffer.alloc(0)), rawFrame(hello)]), 'hellohello'],
      ['with a skippable one first', Buffer.concat([skipped, rawFrame(hello)]), 'hello'],
      ['with a skippable one last', Buffer.concat([rawFrame(hello), skipped]), 'hello'],
      [
        'with skippable ones between',
        Buffer.concat([rawFrame(hello), skipped, skipped, rawFrame(hello)]),
        'hellohello',
      ],
      ['with an empty skippable one', Buffer.concat([skippableFrame(Buffer.alloc(0), 15), rawFrame(hello)]), 'hello'],
      ['of which all are skippable', Buffer.concat([skipped, skipped]), ''],
      ['with a window', rawFrame(hello, { window: 0, sizeBytes: 0 }), 'hello'],
      ['with a window and a size', rawFrame(hello, { window: 0, sizeBytes: 4 }), 'hello'],
      ['with a size of four bytes', rawFrame(hello, { sizeBytes: 4 }), 'hello'],
      ['with a size of eight bytes', rawFrame(hello, { sizeBytes: 8 }), 'hello'],
      ['with a size of two bytes', rawFrame(Buffer.alloc(256, 'x'), { sizeBytes: 2 }), 'x'.repeat(256)],
      ['with a dictionary that is none', rawFrame(hello, { dictionaryBytes: 4 }), 'hello'],
      ['of runs', runFrame(0x78, 3), 'x'.repeat(3 * 2 ** 17)],
    ])('%s, cut wherever', async (_, bytes, contents) => {
      for (const length of shortOrLong([1, 3, 2 ** 20], [1, 2, 3, 5, 7, 1000, 2 ** 20])) {
        expect((await decoded(bytes, length)).toString()).toBe(contents);
      }
      for (let place = 1; place < Math.min(bytes.length, 40); place += shortOrLong(5, 1)) {
        expect((await convert(await decoder(), cutAt(bytes, place))).toString()).toBe(contents);
      }
    });

    test('thousands of them, as zstd:chunked has one for each file', async () => {
      const frames = Array.from({ length: FRAMES }, (_, i) => [
        rawFrame(Buffer.from(`file ${i}\n`)),
        skippableFrame(hello),
      ]);
      const bytes = Buffer.concat(frames.flat());
      const contents = Array.from({ length: FRAMES }, (_, i) => `file ${i}\n`).join('');
      for (const length of [100, 2 ** 20]) expect((await decoded(bytes, length)).toString()).toBe(contents);
    });
  });

  describe.skipIf(isMissing || lacks('zstd'))('as zstd writes it (needs zstd)', () => {
    test.each(samples)('of %s', async (_, bytes, number) => {
      for (const options of someInTurn(WAYS, number)) {
        const stored = await compressed(bytes, ...options);
        expect(detectCompression(stored)).toBe('zstd');
        for (const length of [997, 2 ** 20]) expect((await decoded(stored, length)).equals(bytes)).toBe(true);
      }
    });

    test('in several frames, more than comes at once', async () => {
      const bytes = text(shortOrLong(1_500_000, 3_000_000));
      const frames = Buffer.concat([
        await compressed(bytes),
        skipped,
        await compressed(hello),
        await compressed(bytes),
      ]);
      const contents = Buffer.concat([bytes, hello, bytes]);
      for (const length of [65_537, frames.length]) {
        expect((await decoded(frames, length)).equals(contents)).toBe(true);
      }
    });

    test('of a window of 128 MiB, and refuses more before it makes room for it', async () => {
      const long = await compressed(text(200_000), '--long=27', '--no-content-size', '-19');
      expect((await decoded(long)).length).toBe(200_000);
      const longer = await compressed(text(200_000), '--ultra', '-22', '--long=28', '--no-content-size');
      await expect(decoded(longer)).rejects.toMatchObject({ code: 'DIMGX_COMPRESSION_UNSUPPORTED' });
    });

    test.each([
      ['with a wrong checksum', (bytes: Buffer) => flipped(bytes, bytes.length - 1)],
      ['with damaged data', (bytes: Buffer) => flipped(bytes, bytes.length >> 1)],
      ['that needs a dictionary', (bytes: Buffer) => Buffer.concat([bytes.subarray(0, 4), withDictionary(bytes)])],
      ['cut off in its checksum', (bytes: Buffer) => bytes.subarray(0, -1)],
      ['cut off before its checksum', (bytes: Buffer) => bytes.subarray(0, -4)],
      ['cut off in its data', (bytes: Buffer) => bytes.subarray(0, bytes.length >> 1)],
      ['cut off in its header', (bytes: Buffer) => bytes.subarray(0, 5)],
      ['cut off in its magic', (bytes: Buffer) => bytes.subarray(0, 3)],
      ['cut off in its second frame', (bytes: Buffer) => Buffer.concat([bytes, bytes.subarray(0, 30)])],
      ['cut off in a skippable frame', (bytes: Buffer) => Buffer.concat([bytes, skipped.subarray(0, 500)])],
      ['cut off in the header of one', (bytes: Buffer) => Buffer.concat([bytes, skipped.subarray(0, 6)])],
      ['with rubbish behind it', (bytes: Buffer) => Buffer.concat([bytes, Buffer.from('rubbish')])],
      ['with a byte behind it', (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(1)])],
    ])('and refuses what comes %s', async (_, damage) => {
      const bytes = damage(await compressed(text(shortOrLong(100_000, 300_000))));
      for (const length of [100, bytes.length, 2 ** 20]) await expect(decoded(bytes, length)).rejects.toThrow();
    });
  });

  test.skipIf(isMissing).each([
    ['a window of 3.75 TiB', Buffer.from('28b52ffd00ff', 'hex')],
    ['a window of just more than is granted', rawFrame(hello, { window: (17 << 3) | 1, sizeBytes: 0 })],
    ['one segment of 16 EiB', rawFrame(hello, { sizeBytes: 8, size: 2n ** 64n - 1n })],
    ['one segment of just more than is granted', rawFrame(hello, { sizeBytes: 4, size: 2n ** 27n + 1n })],
  ])('%s is refused by its header', async (_, bytes) => {
    const refused = { code: 'DIMGX_COMPRESSION_UNSUPPORTED', message: expect.stringMatching(/window of \d+ bytes/) };
    for (const length of [1, 100]) await expect(decoded(bytes, length)).rejects.toMatchObject(refused);
  });
});

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] as number) ^ 1;
  return copy;
}

/** What follows the magic, with a dictionary of one byte's number put in. */
function withDictionary(bytes: Buffer): Buffer {
  const descriptor = bytes[4] as number;
  const window = (descriptor & 0x20) === 0 ? 1 : 0;
  return Buffer.concat([
    Buffer.from([descriptor | 1]),
    bytes.subarray(5, 5 + window),
    Buffer.from([9]),
    bytes.subarray(5 + window),
  ]);
}
