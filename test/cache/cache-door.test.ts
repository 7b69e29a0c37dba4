import { readdir, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { openBlobCache } from '#dimgx/cache/open-blob-cache.js';
import { listCache, makeCacheFolder, pruneCache, removeBlobs, verifyCache } from '#dimgx/cache.js';
import type { Progress } from '#dimgx/options.js';
import { blobOf, downloadOf, type MadeBlob } from '../helpers/blobs.js';
import { temporaryFolder } from '../helpers/members.js';

let cache: string;
let oldest: MadeBlob;
let newest: MadeBlob;

const pathOf = ({ digest }: MadeBlob) => join(cache, 'blobs', digest.replace(':', '/'));

beforeEach(async () => {
  cache = join(await temporaryFolder(), 'cache');
  const opened = await openBlobCache({ cache, env: {}, warn: ({ message }) => expect.unreachable(message) });
  [oldest, newest] = [blobOf(Buffer.from('{"layers":[]}')), blobOf(Buffer.from('newest'))];
  for (const { digest, size, bytes } of [oldest, newest]) {
    await (await opened.fetch(digest, size, downloadOf(bytes).download)).close();
  }
  await opened.close(); // now both have their names in the cache
  await opened.remember('docker.io/library/alpine:3', oldest.digest);
  await utimes(pathOf(oldest), Date.UTC(2020) / 1000, 1_500_000_000);
  await utimes(pathOf(newest), Date.UTC(2021) / 1000, 1_500_000_000);
});

describe('listCache', () => {
  test('tells what is there, the most recently used first', async () => {
    await writeFile(join(cache, 'partial', `sha256-${'a'.repeat(64)}`), 'cut');
    expect(await listCache({ cache })).toEqual({
      folder: cache,
      limit: 10_000_000_000,
      size: 22,
      blobs: [
        { digest: newest.digest, size: 6, indexSize: 0, lastUsed: new Date(Date.UTC(2021)), names: [] },
        {
          ...{ digest: oldest.digest, size: 13, indexSize: 0, lastUsed: new Date(Date.UTC(2020)) },
          ...{ kind: 'manifest', names: ['docker.io/library/alpine:3'] },
        },
      ],
      partial: [{ digest: `sha256:${'a'.repeat(64)}`, size: 3, lastWritten: expect.any(Date) }],
    });
  });

  test("looks at the user's cache by default, and does not create it", async () => {
    vi.stubEnv('DIMGX_CACHE', join(cache, 'none'));
    expect(await listCache()).toMatchObject({ folder: join(cache, 'none'), size: 0, blobs: [] });
    await expect(stat(join(cache, 'none'))).rejects.toThrow('ENOENT');
  });
});

test('verifyCache names and removes what is damaged, and reports its progress', async () => {
  await truncate(pathOf(oldest), 1);
  const steps: Progress[] = [];
  const onProgress = (progress: Progress) => void steps.push(progress);
  expect(await verifyCache({ cache, onProgress })).toEqual({ damaged: [oldest.digest], whole: 1, size: 7 });
  expect(steps.at(-1)).toEqual({ stage: 'verify', item: 'the cache', done: 7, total: 7 });
  expect(await verifyCache({ cache })).toEqual({ damaged: [], whole: 1, size: 6 });
});

test('verifyCache ends with what its callback throws, or with the signal', async () => {
  const onProgress = () => {
    throw new Error('no');
  };
  await expect(verifyCache({ cache, onProgress })).rejects.toMatchObject({ code: 'DIMGX_CALLBACK_FAILED' });
  const signal = AbortSignal.abort();
  await expect(verifyCache({ cache, signal })).rejects.toMatchObject({ code: 'DIMGX_ABORTED' });
});

test('pruneCache removes what was used least recently, until the rest is small enough', async () => {
  expect(await pruneCache({ cache })).toEqual({ removed: [], freed: 0, kept: 19 });
  expect(await pruneCache({ cache, maxSize: 6 })).toEqual({ removed: [oldest.digest], freed: 13, kept: 6 });
  expect(await readdir(join(cache, 'names'))).toEqual([]);
  expect(await pruneCache({ cache, maxSize: Number.POSITIVE_INFINITY })).toMatchObject({ kept: 6 });
});

test('removeBlobs removes all that are named, or none', async () => {
  const unknown = { code: 'DIMGX_CACHE_NO_SUCH_BLOB' };
  await expect(removeBlobs([newest.digest, 'ffffffff'], { cache })).rejects.toMatchObject(unknown);
  const names = [newest.digest, newest.digest.slice(7, 19)];
  expect(await removeBlobs(names, { cache })).toEqual({ removed: [newest.digest], freed: 6 });
  expect((await listCache({ cache })).blobs).toHaveLength(1);
});

describe('makeCacheFolder', () => {
  test("makes a private folder in the user's cache folder, whatever DIMGX_CACHE says", async () => {
    vi.stubEnv('XDG_CACHE_HOME', cache);
    vi.stubEnv('DIMGX_CACHE', join(cache, 'other'));
    const path = join(cache, 'dimgx/mine');
    expect(await makeCacheFolder('mine')).toBe(path);
    expect((await stat(path)).mode & 0o777).toBe(0o700);
    expect(await makeCacheFolder('mine')).toBe(path);
    await expect(stat(join(cache, 'other'))).rejects.toThrow('ENOENT');
  });

  test('makes none where others can write', async () => {
    vi.stubEnv('XDG_CACHE_HOME', cache);
    await makeCacheFolder('mine');
    await writeFile(join(cache, 'dimgx/file'), '');
    await expect(makeCacheFolder('file')).rejects.toMatchObject({ code: 'DIMGX_CACHE_UNUSABLE' });
    vi.stubEnv('XDG_CACHE_HOME', join(cache, 'dimgx/file'));
    await expect(makeCacheFolder('mine')).rejects.toMatchObject({ code: 'DIMGX_CACHE_UNUSABLE' });
  });
});

describe('what the cache functions cannot take is refused', () => {
  const wrong = (value: unknown) => value as never;
  test.each([
    ['cache', () => listCache({ cache: wrong(false) })],
    ['cache', () => verifyCache({ cache: wrong(1) })],
    ['maxSize', () => pruneCache({ cache, maxSize: -1 })],
    ['the names', () => removeBlobs(wrong('abcd'), { cache })],
    ['the options', () => listCache(wrong('x'))],
    ['the name', () => makeCacheFolder('a/b')],
    ['the name', () => makeCacheFolder('blobs')],
    ['the name', () => makeCacheFolder('..')],
  ])('%s', async (what, call) => {
    const refusal = { code: 'DIMGX_OPTION_INVALID', message: expect.stringContaining(what) };
    await expect(call()).rejects.toMatchObject(refusal);
  });

  test('a folder that is no cache is DIMGX_CACHE_UNUSABLE', async () => {
    await expect(listCache({ cache: pathOf(newest) })).rejects.toMatchObject({ code: 'DIMGX_CACHE_UNUSABLE' });
  });
});
