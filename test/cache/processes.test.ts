import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { openBlobCache } from '#dimgx/cache/open-blob-cache.js';
import { randomBlob, readDigest } from '../helpers/blobs.js';
import { type FetchOrder, startFetching } from '../helpers/fetching-process.js';
import { temporaryFolder } from '../helpers/members.js';
import { MOMENTS, moments, WITH_MOMENTS } from '../helpers/moments.js';

vi.setConfig(WITH_MOMENTS);

async function prepare(...sizes: readonly number[]) {
  const folder = await temporaryFolder();
  const made = await Promise.all(
    sizes.map(async (length, i) => {
      const blob = randomBlob(length);
      const source = join(folder, `source-${i}`);
      await writeFile(source, blob.bytes);
      return { ...blob, source };
    }),
  );
  const blobs = made.map(({ digest, size, source }) => ({ digest, size, source }));
  const order: FetchOrder = { cache: join(folder, 'cache'), blobs, log: join(folder, 'log') };
  const transfers = async () => (await readFile(order.log, 'utf8').catch(() => '')).trim().split('\n').filter(Boolean);
  return { folder, made, order, transfers, digests: blobs.map(({ digest }) => digest).join(' ') };
}

test('eight processes that pull into one empty cache transfer each blob once', async () => {
  const { order, transfers, digests, made } = await prepare(3_000_000, 1_000_000, 100);
  const running = Array.from({ length: 8 }, () => startFetching({ ...order, pause: 1 }));
  expect(await Promise.all(running.map(({ ended }) => ended))).toEqual(Array(8).fill(digests));
  const bytes = (await transfers()).reduce((sum, line) => sum + Number(line.split(' ')[2]), 0);
  expect(bytes).toBe(made.reduce((sum, { size }) => sum + size, 0));
  expect(await readdir(join(order.cache, 'claims'))).toEqual([]);
  expect(await readdir(join(order.cache, 'partial'))).toEqual([]);
});

test('a process that is killed at any moment leaves nothing that is wrong, nor in the way', async () => {
  const { order, made, digests } = await prepare(4_000_000, 500_000);
  const whole = startFetching({ ...order, pause: 2 });
  const begun = Date.now();
  await whole.ended;
  const duration = Date.now() - begun;
  await rm(order.cache, { recursive: true });
  for (const moment of moments(duration, 2 * MOMENTS)) {
    const { process: victim, ended } = startFetching({ ...order, pause: 2 });
    await sleep(moment);
    victim.kill('SIGKILL');
    await ended;
    const cache = await openBlobCache({
      cache: order.cache,
      env: {},
      warn: ({ message }) => expect.unreachable(message),
    });
    for (const { digest } of made) {
      const found = await readDigest(await cache.open(digest));
      expect([undefined, digest]).toContain(found);
    }
    // Nobody waits for the dead; what has come is taken up.
    if (moment > duration / 2) {
      expect(await startFetching(order).ended).toBe(digests);
      expect(await readdir(join(order.cache, 'claims'))).toEqual([]);
      await rm(order.cache, { recursive: true });
    }
  }
});

test('those that wait for one that is killed take its work over, and transfer only the rest', async () => {
  const { order, digests, transfers } = await prepare(4_000_000);
  const piece = 64 * 1024;
  const stopAfter = 20;
  const victim = startFetching({ ...order, stopAfter });
  while ((await transfers()).length < stopAfter) await sleep(5);
  const waiting = [1, 2, 3].map(() => startFetching(order));
  await Promise.all(waiting.map(({ asks }) => asks));
  // Time for them to see that the blob is claimed. One that has not looked yet finds the work left, with the same result.
  await sleep(300);
  expect(await transfers()).toHaveLength(stopAfter);
  victim.process.kill('SIGKILL');
  await victim.ended;
  expect(await Promise.all(waiting.map(({ ended }) => ended))).toEqual(Array(3).fill(digests));
  const lines = await transfers();
  expect(lines.map((line) => Number(line.split(' ')[1]))).toEqual(lines.map((_, i) => i * piece));
  expect(lines.length).toBe(Math.ceil(4_000_000 / piece));
  expect((await stat(join(order.cache, 'blobs', digests.replace(':', '/')))).size).toBe(4_000_000);
});
