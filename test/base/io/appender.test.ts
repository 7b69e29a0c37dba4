import { closeSync, openSync } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Appender, type AppenderOptions, writeAllAt } from '#dimgx/base/io/appender.js';
import { temporaryFolder } from '../../helpers/members.js';
import { noise } from '../../helpers/sample-image.js';

const MIB = 2 ** 20;

/** Keeps what is written, by position. */
function written(options: Partial<AppenderOptions> = {}) {
  const bytes = Buffer.alloc(4 * MIB);
  const writes: (readonly [position: number, length: number])[] = [];
  const write = async (piece: Uint8Array, position: number) => {
    await new Promise((resolve) => setImmediate(resolve));
    bytes.set(piece, position);
    writes.push([position, piece.length]);
  };
  return { appender: new Appender({ write, ...options }), bytes, writes };
}

describe('an appender', () => {
  test('joins pieces into writes of a mebibyte, in order', async () => {
    const all = noise(2 * MIB + 1000);
    const { appender, bytes, writes } = written();
    for (let at = 0; at < all.length; at += 65_000) await appender.append(all.subarray(at, at + 65_000));
    await appender.flush();
    expect(bytes.subarray(0, all.length).equals(all)).toBe(true);
    expect(writes).toEqual([
      [0, MIB],
      [MIB, MIB],
      [2 * MIB, 1000],
    ]);
  });

  test('has copied a piece when it says so', async () => {
    const { appender, bytes } = written();
    const piece = Buffer.from('abc');
    expect(appender.append(piece)).toBeUndefined();
    piece.fill('x');
    await appender.flush();
    expect(bytes.toString('latin1', 0, 3)).toBe('abc');
  });

  test('takes a piece larger than its buffers', async () => {
    const piece = noise(3 * MIB + 5);
    const { appender, bytes } = written();
    await appender.append(piece);
    await appender.flush();
    expect(bytes.subarray(0, piece.length).equals(piece)).toBe(true);
  });

  test('goes on after a flush, and where a file already has bytes', async () => {
    const { appender, writes } = written({ length: 10 });
    appender.append(Buffer.alloc(5));
    await appender.flush();
    appender.append(Buffer.alloc(7));
    expect(appender.length).toBe(22);
    await appender.flush();
    expect(writes).toEqual([
      [10, 5],
      [15, 7],
    ]);
  });

  test('never writes twice at once', async () => {
    let running = 0;
    const write = async () => {
      expect(++running).toBe(1);
      await new Promise((resolve) => setTimeout(resolve, 5));
      running--;
    };
    const appender = new Appender({ write });
    for (let i = 0; i < 40; i++) await appender.append(Buffer.alloc(100_000));
    await appender.flush();
  });

  test('reports every byte once, and fails with what the report throws', async () => {
    let taken = 0;
    const onAppended = (bytes: number) => {
      taken += bytes;
      if (taken > 2 * MIB) throw new Error('enough');
    };
    const { appender } = written({ onAppended });
    await appender.append(Buffer.alloc(MIB + 1));
    expect(taken).toBe(MIB + 1);
    await expect((async () => appender.append(Buffer.alloc(MIB)))()).rejects.toThrow('enough');
    expect(appender.length).toBe(taken);
  });

  test('fails at the next call with what a write throws, and not before', async () => {
    const appender = new Appender({ write: () => Promise.reject(new Error('full')) });
    await appender.append(Buffer.alloc(MIB));
    await new Promise((resolve) => setImmediate(resolve)); // a rejection that nothing handles would end the test
    await expect(appender.append(Buffer.alloc(MIB))).rejects.toThrow('full');
    await expect(appender.flush()).rejects.toThrow('full');
  });
});

describe('writing at a position', () => {
  test('writes all bytes there', async () => {
    const path = `${await temporaryFolder()}/file`;
    const file = await open(path, 'w');
    onTestFinished(() => file.close());
    await writeAllAt(file.fd, Buffer.from('abc'), 2);
    expect(await readFile(path, 'latin1')).toBe('\0\0abc');
  });

  test.skipIf(process.platform !== 'linux')("throws the system's error", async () => {
    const full = openSync('/dev/full', 'w');
    onTestFinished(() => closeSync(full));
    await expect(writeAllAt(full, Buffer.alloc(10), 0)).rejects.toMatchObject({ code: 'ENOSPC' });
  });
});
