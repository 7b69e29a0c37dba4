import { Worker } from 'node:worker_threads';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Slots } from '#dimgx/base/worker/slots.js';
import { ThreadPool } from '#dimgx/base/worker/thread-pool.js';
import type { ThreadShare } from '#dimgx/base/worker/thread-share.js';
import type { LayerJob, LayerReport } from '#dimgx/inspect/layer-job.js';
import { hashTask, type LayerTask, threadTask } from '#dimgx/inspect/layer-task.js';
import { LocalLane } from '#dimgx/inspect/local-lane.js';
import { sha256 } from '../../helpers/built-image.js';
import { storedRegion } from '../../helpers/stored-region.js';

const contents = Buffer.alloc(3 * 2 ** 20, 'layer');
const WORKER = new URL('../../../build/inspect/layer-worker.js', import.meta.url);

async function hashJob(times = 1) {
  const blob = await storedRegion(contents);
  return hashTask(blob, Array<string>(times).fill('sha256'));
}

function shareOf(threads: number, url = WORKER): ThreadShare {
  const share = new ThreadPool({ url: () => url, threads }).share({ threads });
  onTestFinished(() => share.close());
  return share;
}

function run(share: ThreadShare, task: LayerTask, onBytes: (bytes: number) => void = () => {}): Promise<LayerReport> {
  return share.run(threadTask(task, onBytes, new LocalLane(new Slots(1))));
}

const aborted = expect.objectContaining({ code: 'DIMGX_ABORTED' });

describe('a share of a pool of threads', () => {
  test('does more tasks than it has threads, and tells of all bytes', async () => {
    const share = shareOf(2);
    const job = await hashJob();
    let bytes = 0;
    const reports = await Promise.all(Array.from({ length: 7 }, () => run(share, job, (more) => (bytes += more))));
    expect(reports.map(({ hashes }) => hashes)).toEqual(Array(7).fill([sha256(contents)]));
    expect(bytes).toBe(7 * contents.length);
  });

  test('begins with the largest of the tasks that are there', async () => {
    const share = shareOf(1);
    const blob = await storedRegion(contents);
    const done: number[] = [];
    const hash = async (length: number) => {
      await run(share, hashTask({ ...blob, length }, ['sha256']));
      done.push(length);
    };
    await Promise.all([10, 30, 20, 30].map(hash));
    expect(done).toEqual([30, 30, 20, 10]);
  });

  test('goes on after a task that failed', async () => {
    const share = shareOf(1);
    const short = hashTask({ ...(await storedRegion(contents)), length: contents.length + 1 }, ['sha256']);
    const results = await Promise.allSettled([run(share, short), run(share, await hashJob())]);
    expect(results).toMatchObject([
      { status: 'rejected', reason: { code: 'DIMGX_SOURCE_CHANGED' } },
      { status: 'fulfilled', value: { hashes: [sha256(contents)] } },
    ]);
  });

  test('goes on after a task that is a defect', async () => {
    const share = shareOf(1);
    const job = await hashJob();
    const defects = [
      hashTask(await storedRegion(contents), ['no such hash']),
      {
        ...job,
        open: async () => ({ job: { kind: 'decode', budget: null } as unknown as LayerJob, release: () => {} }),
      },
    ] satisfies LayerTask[];
    for (const defect of defects) {
      await expect(run(share, defect)).rejects.toMatchObject({ code: 'DIMGX_INTERNAL' });
    }
    expect(await run(share, job)).toEqual({ hashes: [sha256(contents)] });
  });

  test('starts another thread in the place of one that died with its task', async () => {
    const share = shareOf(1);
    const job = await hashJob();
    await run(share, job);
    const post = vi.spyOn(Worker.prototype, 'postMessage').mockImplementationOnce(function (this: Worker) {
      void this.terminate();
    });
    onTestFinished(() => post.mockRestore());
    const results = await Promise.allSettled([run(share, job), run(share, job)]);
    expect(results).toMatchObject([
      { status: 'rejected', reason: { code: 'DIMGX_INTERNAL' } },
      { status: 'fulfilled', value: { hashes: [sha256(contents)] } },
    ]);
  });

  test('ends tasks that run and tasks that wait when it is closed, and takes no more', async () => {
    const share = shareOf(2);
    const job = await hashJob(500);
    const results = Promise.allSettled(Array.from({ length: 5 }, () => run(share, job)));
    await new Promise((resolve) => setTimeout(resolve, 100));
    await share.close();
    expect(await results).toEqual(Array(5).fill({ status: 'rejected', reason: aborted }));
    await expect(run(share, job)).rejects.toEqual(aborted);
    await share.close();
  });

  test('does not touch other shares when it is closed', async () => {
    const pool = new ThreadPool({ url: () => WORKER, threads: 2 });
    const [one, other] = [pool.share({ threads: 2 }), pool.share({ threads: 2 })];
    onTestFinished(() => other.close());
    const ended = Promise.allSettled([run(one, await hashJob(500)), run(one, await hashJob(500))]);
    const kept = run(other, await hashJob());
    await new Promise((resolve) => setTimeout(resolve, 50));
    await one.close();
    expect(await ended).toEqual(Array(2).fill({ status: 'rejected', reason: aborted }));
    expect(await kept).toEqual({ hashes: [sha256(contents)] });
  });

  test('is served before a share for which more threads work', async () => {
    const pool = new ThreadPool({ url: () => WORKER, threads: 1 });
    const [busy, late] = [pool.share({ threads: 1 }), pool.share({ threads: 1 })];
    onTestFinished(async () => void (await Promise.all([busy.close(), late.close()])));
    const order: string[] = [];
    const job = await hashJob();
    const named = async (name: string, share: ThreadShare) => {
      await run(share, job);
      order.push(name);
    };
    await Promise.all([...Array.from({ length: 5 }, () => named('busy', busy)), named('late', late)]);
    expect(order.indexOf('late')).toBe(1);
  });

  test('does its work in this thread where the code of threads is missing', async () => {
    const share = shareOf(2, new URL('no-such-worker.js', WORKER));
    const job = await hashJob();
    const reports = await Promise.all([run(share, job), run(share, job), run(share, job)]);
    expect(reports).toEqual(Array(3).fill({ hashes: [sha256(contents)] }));
  });

  test('may be closed before it was used', async () => {
    await expect(shareOf(4).close()).resolves.toBeUndefined();
  });
});
