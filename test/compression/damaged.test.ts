import type { Duplex } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { asyncProperty, assert as check, constantFrom, integer, nat, record } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bzip2 } from '#dimgx/compression/bzip2.js';
import { gzip } from '#dimgx/compression/gzip.js';
import { xz } from '#dimgx/compression/xz.js';
import { text } from '../helpers/codec-samples.js';
import { convert, inPieces } from '../helpers/convert.js';
import { lacks } from '../helpers/engines.js';
import { skippableFrame } from '../helpers/raw-zstd.js';
import { runCommand } from '../helpers/run-command.js';
import { noise } from '../helpers/sample-image.js';
import { shortOrLong } from '../helpers/short-or-long.js';
import { ZSTD_BACKENDS } from '../helpers/zstd-decoders.js';

const RUNS = Number(process.env.DIMGX_DAMAGE_RUNS ?? shortOrLong(20, 80));
const contents = Buffer.concat([text(100_000), noise(3000), Buffer.alloc(50_000)]);

interface Damaged {
  readonly name: string;
  readonly isMissing: boolean;
  decoder(): Promise<Duplex>;
  /** Of `contents`, as one member or frame. */
  store(): Promise<Buffer>;
  /** What may stand before or behind it and holds nothing. */
  readonly filler: Buffer;
}

const CODECS: readonly Damaged[] = [
  {
    name: 'gzip',
    isMissing: false,
    decoder: async () => (await gzip.loadDecoder())(),
    store: async () => gzipSync(contents),
    filler: gzipSync(''),
  },
  {
    name: 'bzip2',
    isMissing: lacks('bzip2'),
    decoder: async () => (await bzip2.loadDecoder())(),
    store: async () => (await runCommand('bzip2', ['-1c'], { input: contents })).stdout,
    filler: Buffer.from('BZh9\x17\x72\x45\x38\x50\x90\0\0\0\0', 'latin1'),
  },
  {
    name: 'xz',
    isMissing: lacks('xz'),
    decoder: async () => (await xz.loadDecoder())(),
    store: async () => (await runCommand('xz', ['-c', '--block-size=60000'], { input: contents })).stdout,
    filler: Buffer.from('fd377a585a000004e6d6b446000000001cdf44211fb6f37d010000000004595a', 'hex'),
  },
  ...ZSTD_BACKENDS.map(({ name, isMissing, decoder }) => ({
    name: `zstd by ${name}`,
    isMissing: isMissing || lacks('zstd'),
    decoder,
    store: async () => (await runCommand('zstd', ['-qc'], { input: contents })).stdout,
    filler: skippableFrame(Buffer.alloc(20)),
  })),
];

/** What a decoder gives of bytes that are not what they should be: an error, or all the same what they were made of. */
describe.each(CODECS)('$name (all but gzip need the program)', ({ isMissing, decoder, store, filler }) => {
  const attempt = async (bytes: Buffer, length: number) =>
    convert(await decoder(), inPieces(bytes, length)).catch((error: Error) => error);

  test.skipIf(isMissing)('cut off anywhere is refused', async () => {
    const stored = await store();
    const cuts = record({
      cut: integer({ min: 1, max: stored.length - 1 }),
      length: constantFrom(1000, 7919, 2 ** 20),
    });
    const refuses = asyncProperty(cuts, async ({ cut, length }) => {
      expect(await attempt(stored.subarray(0, cut), length)).toBeInstanceOf(Error);
      const behind = Buffer.concat([filler, stored.subarray(0, cut)]);
      expect(await attempt(behind, length)).toBeInstanceOf(Error);
    });
    await check(refuses, { numRuns: RUNS });
  });

  test.skipIf(isMissing)('with a bit flipped is refused, or it was one that says nothing of the contents', async () => {
    const stored = Buffer.concat([filler, await store(), filler]);
    const flips = record({ at: nat(stored.length - 1), bit: nat(7), length: constantFrom(1000, 7919, 2 ** 20) });
    let refused = 0;
    const refuses = asyncProperty(flips, async ({ at, bit, length }) => {
      const bytes = Buffer.from(stored);
      bytes[at] = (bytes[at] as number) ^ (1 << bit);
      const result = await attempt(bytes, length);
      if (result instanceof Error) refused++;
      else expect(result.equals(contents)).toBe(true);
    });
    await check(refuses, { numRuns: RUNS });
    expect(refused).toBeGreaterThan(RUNS * 0.25);
  });
});
