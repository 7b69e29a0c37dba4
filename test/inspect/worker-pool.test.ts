import { Worker } from 'node:worker_threads';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { LayerJob } from '#dimgx/inspect/layer-job.js';
import { hashTask, type LayerTask } from '#dimgx/inspect/layer-task.js';
import { WorkerPool } from '#dimgx/inspect/worker-pool.js';
import { sha256 } from '../helpers/built-image.js';
import { storedRegion } from '../helpers/stored-region.js';

const contents = Buffer.alloc(3 * 2 ** 20, 'layer');

async function hashJob(times = 1) {
  const blob = await storedRegion(contents);
  return hashTask(blob, Array<string>(times).fill('sha256'));
}

const aborted = expect.objectContaining({ code: 'DIMGX_ABORTED' });

describe('a pool of worker threads', () => {
  test('does more jobs than it has threads, and tells of all bytes', async () => {
    const pool = new WorkerPool(2);
    const job = await hashJob();
    let bytes = 0;
    const reports = await Promise.all(Array.from({ length: 7 }, () => pool.run(job, (more) => (bytes += more))));
    await pool.close();
    expect(reports.map(({ hashes }) => hashes)).toEqual(Array(7).fill([sha256(contents)]));
    expect(bytes).toBe(7 * contents.length);
  });

  test('begins with the largest of the jobs that are there', async () => {
    const pool = new WorkerPool(1);
    const blob = await storedRegion(contents);
    const done: number[] = [];
    const run = async (length: number) => {
      await pool.run(hashTask({ ...blob, length }, ['sha256']), () => {});
      done.push(length);
    };
    await Promise.all([10, 30, 20, 30].map(run));
    await pool.close();
    expect(done).toEqual([30, 30, 20, 10]);
  });

  test('goes on after a job that failed', async () => {
    const pool = new WorkerPool(1);
    const job = await hashJob();
    const short = hashTask({ ...(await storedRegion(contents)), length: contents.length + 1 }, ['sha256']);
    const results = await Promise.allSettled([pool.run(short, () => {}), pool.run(job, () => {})]);
    await pool.close();
    expect(results).toMatchObject([
      { status: 'rejected', reason: { code: 'DIMGX_EXTRACT_CHANGED' } },
      { status: 'fulfilled', value: { hashes: [sha256(contents)] } },
    ]);
  });

  test('goes on after a job that is a defect', async () => {
    const pool = new WorkerPool(1);
    const job = await hashJob();
    const defects = [
      hashTask(await storedRegion(contents), ['no such hash']),
      {
        ...job,
        open: async () => ({ job: { kind: 'decode', budget: null } as unknown as LayerJob, release: () => {} }),
      },
    ] satisfies LayerTask[];
    for (const defect of defects) {
      await expect(pool.run(defect, () => {})).rejects.toMatchObject({ code: 'DIMGX_INTERNAL' });
    }
    expect(await pool.run(job, () => {})).toEqual({ hashes: [sha256(contents)] });
    await pool.close();
  });

  test('starts another thread in the place of one that died with its job', async () => {
    const pool = new WorkerPool(1);
    const job = await hashJob();
    const post = vi.spyOn(Worker.prototype, 'postMessage').mockImplementationOnce(function (this: Worker) {
      void this.terminate();
    });
    onTestFinished(() => post.mockRestore());
    const results = await Promise.allSettled([pool.run(job, () => {}), pool.run(job, () => {})]);
    await pool.close();
    expect(results).toMatchObject([
      { status: 'rejected', reason: { code: 'DIMGX_INTERNAL' } },
      { status: 'fulfilled', value: { hashes: [sha256(contents)] } },
    ]);
  });

  test('ends jobs that run and jobs that wait when it is closed, and takes no more', async () => {
    const pool = new WorkerPool(2);
    const job = await hashJob(500);
    const results = Promise.allSettled(Array.from({ length: 5 }, () => pool.run(job, () => {})));
    await new Promise((resolve) => setTimeout(resolve, 100));
    await pool.close();
    expect(await results).toEqual(Array(5).fill({ status: 'rejected', reason: aborted }));
    await expect(pool.run(job, () => {})).rejects.toEqual(aborted);
    await pool.close();
  });

  test('may be closed before it was used', async () => {
    const pool = new WorkerPool(4);
    await expect(pool.close()).resolves.toBeUndefined();
  });
});
