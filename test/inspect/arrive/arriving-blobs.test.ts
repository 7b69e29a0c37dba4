import { randomBytes } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Resources } from '#dimgx/base/io/resources.js';
import { DEFAULT_LIMITS, type Limits } from '#dimgx/base/limits.js';
import { ArrivingBlobs } from '#dimgx/inspect/arrive/arriving-blobs.js';
import { Budget } from '#dimgx/inspect/budget.js';
import { sharedPool } from '#dimgx/inspect/pool.js';
import { Spools } from '#dimgx/inspect/spools.js';
import { diffIdOf, layerOf, sha256 } from '../../helpers/built-image.js';
import { layerValue } from '../../helpers/image-value.js';
import { temporaryFolder } from '../../helpers/members.js';
import { codeOf } from '../../helpers/opened-engine.js';
import { regionOf } from '../../helpers/stored-region.js';

const plain = await layerOf({ a: 'x'.repeat(70_000), b: '', c: randomBytes(300_000) });
const stored = gzipSync(plain);

const layer = layerValue({
  digest: `sha256:${sha256(stored)}`,
  diffId: diffIdOf(plain) as 'sha256:',
  compression: 'gzip',
  name: 'x',
});

/** What decodes, and a file that it reads. */
async function beginning(limits: Limits = DEFAULT_LIMITS, told: number[] = []) {
  const file = await open(`${await temporaryFolder()}/blob`, 'wx+');
  const resources = new Resources();
  onTestFinished(() => resources.close());
  const arriving = new ArrivingBlobs({
    ...{
      budget: new Budget(limits),
      threads: 2,
      pool: sharedPool,
      spools: new Spools(undefined, resources),
      hashes: true,
    },
    progressOf: () => (bytes) => void told.push(bytes),
  });
  onTestFinished(() => arriving.close());
  return { file, arriving };
}

const watched = (arriving: ArrivingBlobs, file: FileHandle, length: number, of = layer) =>
  arriving.watch(of, { region: regionOf(file, length), close: () => file.close() }, 'gzip');

describe('a compressed layer that arrives', () => {
  test.each([7000, 100_000, 10_000_000])('in pieces of %i bytes is decoded, indexed and hashed', async (size) => {
    const { file, arriving } = await beginning();
    const watcher = watched(arriving, file, stored.length);
    for (let at = 0; at < stored.length; at += size) {
      await file.write(stored, at, Math.min(size, stored.length - at), at);
      watcher.grown(Math.min(at + size, stored.length));
      await new Promise((resolve) => setImmediate(resolve));
    }
    arriving.finish();
    const { contents, plainHash, bytes } = (await arriving.take(layer)) ?? expect.unreachable();
    expect(bytes).toEqual({
      stored: layer.blob,
      compression: 'gzip',
      length: plain.length,
      decoderMemory: 65_536,
      isChecked: true,
    });
    expect(contents.columns.length).toBe(3);
    expect(plainHash).toBe(sha256(plain));
  });

  test('is decoded as far as it is there', async () => {
    const large = gzipSync(await layerOf({ random: randomBytes(40 * 2 ** 20) }), { level: 1 });
    const told: number[] = [];
    const { file, arriving } = await beginning(DEFAULT_LIMITS, told);
    const watcher = watched(arriving, file, large.length);
    const half = Math.floor(large.length / 2);
    await file.write(large, 0, half, 0);
    arriving.finish();
    watcher.grown(half);
    const reached = () => told.reduce((sum, bytes) => sum + bytes, 0);
    while (reached() < half / 2) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(reached()).toBeLessThanOrEqual(half);
    await file.write(large, half, large.length - half, half);
    watcher.grown(large.length);
    await arriving.take(layer);
    expect(reached()).toBe(large.length);
  });

  test('is an error when it is damaged, cut, or more than is allowed', async () => {
    const damaged = Buffer.from(stored);
    damaged.fill(1, damaged.length - 8); // checksum and length
    const cases = [
      [damaged, DEFAULT_LIMITS, 'DIMGX_COMPRESSION_CORRUPT'],
      [stored.subarray(0, -20), DEFAULT_LIMITS, 'DIMGX_COMPRESSION_CORRUPT'],
      [stored, { ...DEFAULT_LIMITS, maxSize: 100_000 }, 'DIMGX_LIMIT_SIZE'],
      [stored, { ...DEFAULT_LIMITS, maxEntries: 2 }, 'DIMGX_LIMIT_ENTRIES'],
    ] as const;
    for (const [bytes, limits, code] of cases) {
      const { file, arriving } = await beginning(limits);
      await file.write(bytes);
      watched(arriving, file, bytes.length).grown(bytes.length);
      expect(await codeOf(Promise.resolve(arriving.take(layer)))).toBe(code);
    }
  });

  test('is forgotten when it is discarded, and decoded again when it arrives again', async () => {
    const { file, arriving } = await beginning();
    const watcher = watched(arriving, file, stored.length);
    await file.write(Buffer.alloc(100), 0, 100, 0);
    watcher.grown(100);
    watcher.discard();
    expect(await arriving.take(layer)).toBeUndefined();
    const again = await open(`${await temporaryFolder()}/blob`, 'wx+');
    await again.write(stored);
    watched(arriving, again, stored.length).grown(stored.length);
    watcher.discard();
    expect((await arriving.take(layer))?.plainHash).toBe(sha256(plain));
    expect(await arriving.take({ ...layer, diffId: diffIdOf(Buffer.from('other')) as 'sha256:' })).toBeUndefined();
  });

  test('is left when it is closed while more is waited for', async () => {
    const { file, arriving } = await beginning();
    watched(arriving, file, stored.length).grown(10);
    const code = codeOf(Promise.resolve(arriving.take(layer)));
    await arriving.close();
    expect(await code).toBe('DIMGX_ABORTED');
    await expect(file.stat()).rejects.toMatchObject({ code: 'EBADF' });
  });
});
