import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { deflateRawSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { pieceSink } from '#dimgx/base/io/byte-source.js';
import { detectCompression } from '#dimgx/compression/codecs.js';
import { gzip } from '#dimgx/compression/gzip.js';
import { DimgxError } from '#dimgx/errors.js';
import { lacks } from '../helpers/engines.js';
import { runCommand } from '../helpers/run-command.js';
import { shortOrLong } from '../helpers/short-or-long.js';

const contents = Buffer.from('the contents of a layer\n'.repeat(20_000));
const stored = gzipSync(contents);

async function* piecesOf(bytes: Uint8Array, length: number) {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

/** What the decoder gives out. */
async function decoded(bytes: Uint8Array, pieceLength = 1000, isChecked = false): Promise<Buffer> {
  const plain: Buffer[] = [];
  await pipeline(
    piecesOf(bytes, pieceLength),
    await decoder(isChecked),
    pieceSink((piece) => void plain.push(piece)),
  );
  return Buffer.concat(plain);
}

const decoder = async (isChecked = false) => (await gzip.loadDecoder())(undefined, isChecked);

/** A member with every optional field of the header: extra, name, comment and checksum of the header itself. */
function withFields(): Buffer {
  const fields = Buffer.concat([
    Buffer.from([0x1f, 0x8b, 8, 0x1c, 1, 2, 3, 4, 0, 3]),
    Buffer.from([4, 0]),
    Buffer.from('abcd'),
  ]);
  const text = Buffer.from('layer.tar\0a comment\0');
  return Buffer.concat([fields, text, deflateRawSync(contents), stored.subarray(-8)]);
}

describe.each([false, true])('gzip is read, checked before: %s,', (isChecked) => {
  test.each([
    ['as one member', stored, 1],
    ['as several members', Buffer.concat([stored, stored, gzipSync(''), stored]), 3],
    ['with stored blocks', gzipSync(contents, { level: 0 }), 1],
    ['with name, comment and extra field', withFields(), 1],
    ['of nothing', gzipSync(''), 0],
  ])('%s', async (_, bytes, times) => {
    // One byte at a time, but where there are half a million of them.
    const least = isChecked ? Math.ceil(bytes.length / 10_000) : shortOrLong(Math.ceil(bytes.length / 10_000), 1);
    for (const length of [least, 1000, stored.length, 2 ** 20]) {
      const plain = await decoded(bytes, length, isChecked);
      expect(plain.equals(Buffer.alloc(contents.length * times, contents))).toBe(true);
    }
  });

  test.skipIf(lacks('gzip', 'pigz')).each(['gzip', 'pigz'])(
    'as %s writes it (needs gzip and pigz)',
    async (program) => {
      const { stdout } = await runCommand(program, ['-c'], { input: contents });
      expect((await decoded(stdout, 1000, isChecked)).equals(contents)).toBe(true);
      expect(detectCompression(stdout)).toBe('gzip');
    },
  );

  test('for a reader that is slow, whatever its pieces', async () => {
    for (const size of [100, 2_000_000, 2_040_000, 2_080_000]) {
      const plain = Buffer.concat([Buffer.alloc(size), contents.subarray(0, 512)]);
      const packed = gzipSync(plain, { level: 1 });
      for (const bytes of [packed, Buffer.concat([packed, packed])]) {
        for (const [waiting, length] of [
          [2 ** 17, 2 ** 16],
          [2 ** 18, packed.length - 8],
          [2 ** 18, packed.length - 3],
          [2 ** 20, 2 ** 18],
        ] as const) {
          const made: Buffer[] = [];
          const slow = pieceSink(async (piece) => {
            await sleep(1);
            made.push(piece);
          });
          await pipeline(piecesOf(bytes, length), (await gzip.loadDecoder())(waiting, isChecked), slow);
          const whole = Buffer.concat(Array.from({ length: bytes.length / packed.length }, () => plain));
          expect({ size, waiting, length, same: Buffer.concat(made).equals(whole) }).toEqual({
            size,
            waiting,
            length,
            same: true,
          });
        }
      }
    }
  });

  test('before the zeros of a tape block', async () => {
    for (const length of [1, 100, stored.length, 2 ** 20]) {
      const plain = await decoded(Buffer.concat([stored, Buffer.alloc(512)]), length, isChecked);
      expect(plain.equals(contents)).toBe(true);
    }
  });
});

describe('gzip is refused', () => {
  const changed = (at: number) => {
    const copy = Buffer.from(stored);
    copy[at] = (copy[at] ?? 0) ^ 1;
    return copy;
  };
  test.each([
    ['with a wrong CRC', changed(stored.length - 8)],
    ['with a wrong length', changed(stored.length - 1)],
    ['with damaged data', changed(Math.floor(stored.length / 2))],
  ])('%s', async (_, bytes) => {
    for (const length of [1, 100, stored.length, 2 ** 20]) {
      await expect(decoded(bytes, length)).rejects.toThrow();
    }
  });

  test.each([
    ['with another method', changed(2)],
    ['cut off in its data', stored.subarray(0, stored.length / 2)],
    ['cut off in its trailer', stored.subarray(0, -1)],
    ['cut off in its header', stored.subarray(0, 7)],
    ['cut off in its second member', Buffer.concat([stored, stored.subarray(0, 100)])],
    ['with rubbish behind it', Buffer.concat([stored, Buffer.from('rubbish')])],
    ['with rubbish behind zeros', Buffer.concat([stored, Buffer.alloc(300), Buffer.from('rubbish')])],
    ['with a member behind zeros', Buffer.concat([stored, Buffer.alloc(300), stored])],
  ])('%s', async (_, bytes) => {
    for (const length of [1, 100, stored.length, 2 ** 20]) {
      for (const isChecked of [false, true]) await expect(decoded(bytes, length, isChecked)).rejects.toThrow();
    }
  });

  test('for its CRC only if it was not checked before', async () => {
    for (const length of [100, stored.length, 2 ** 20]) {
      expect((await decoded(changed(stored.length - 8), length, true)).equals(contents)).toBe(true);
    }
    const second = Buffer.concat([stored, changed(stored.length - 8)]);
    await expect(decoded(second, 1000, true)).rejects.toThrow();
  });
});

describe('while gzip is decoded', () => {
  const large = gzipSync(Buffer.alloc(20 * 2 ** 20));

  test('what the sink refuses is what is thrown', async () => {
    const refusal = new DimgxError('DIMGX_LIMIT_SIZE', 'enough');
    const sink = pieceSink(() => Promise.reject(refusal));
    await expect(pipeline(piecesOf(large, 1000), await decoder(), sink)).rejects.toBe(refusal);
  });

  test('what the source refuses is what is thrown', async () => {
    const refusal = new DimgxError('DIMGX_SOURCE_UNREADABLE', 'gone');
    async function* failing() {
      yield large.subarray(0, 1000);
      throw refusal;
    }
    await expect(
      pipeline(
        failing(),
        await decoder(),
        pieceSink(() => {}),
      ),
    ).rejects.toBe(refusal);
  });
});

test('what is written names no file, no time and no machine', async () => {
  const encoder = (await gzip.loadEncoder())({ level: 6, threads: 1 });
  encoder.end(contents);
  const pieces: Buffer[] = [];
  for await (const piece of encoder) pieces.push(piece as Buffer);
  const written = Buffer.concat(pieces);
  expect([...written.subarray(3, 8)]).toEqual([0, 0, 0, 0, 0]);
  const back = await runCommand('gzip', ['-dc'], { input: written });
  expect(createHash('sha256').update(back.stdout).digest('hex')).toBe(
    createHash('sha256').update(contents).digest('hex'),
  );
});
