import { expect, onTestFinished, test } from 'vitest';
import { DEFAULT_LIMITS } from '#dimgx/base/limits.js';
import { Slots } from '#dimgx/base/worker/slots.js';
import { Budget } from '#dimgx/inspect/budget.js';
import { LayerRunner } from '#dimgx/inspect/layer-runner.js';
import { hashTask, indexTask, type LayerTask } from '#dimgx/inspect/layer-task.js';
import { LocalLane } from '#dimgx/inspect/local-lane.js';
import { InspectionPool } from '#dimgx/inspect/pool.js';
import { layerValue } from '../helpers/image-value.js';
import { rawEntry } from '../helpers/raw-tar.js';
import { storedRegion } from '../helpers/stored-region.js';

const aborted = expect.objectContaining({ code: 'DIMGX_ABORTED' });

/** A layer of so many empty files. */
function layerWith(entries: number) {
  return storedRegion(Buffer.concat([...Array<Buffer>(entries).fill(rawEntry({})), Buffer.alloc(1024)]));
}

/** To index such a layer. */
async function indexJob(entries: number) {
  return indexTask(await layerWith(entries), new Budget(DEFAULT_LIMITS));
}

function openLane() {
  const lane = new LocalLane(new Slots(1));
  onTestFinished(() => lane.close());
  return lane;
}

test('reads the headers of one layer after the other', async () => {
  const lane = openLane();
  const jobs = await Promise.all([indexJob(3), indexJob(20_000)]);
  const running = jobs.map((job) => lane.run(job, () => {}));
  expect(lane.isBusy).toBe(true);
  const reports = await Promise.all(running);
  expect(reports.map(({ contents }) => contents?.columns.length)).toEqual([3, 20_000]);
  expect(lane.isBusy).toBe(false);
});

test('goes on after a job that failed', async () => {
  const lane = openLane();
  const job = await indexJob(1);
  const short = indexTask({ ...(await layerWith(1)), length: 1_000_000 }, new Budget(DEFAULT_LIMITS));
  const results = await Promise.allSettled([lane.run(short, () => {}), lane.run(job, () => {})]);
  expect(results).toMatchObject([
    { status: 'rejected', reason: { code: 'DIMGX_SOURCE_CHANGED' } },
    { status: 'fulfilled', value: { contents: { length: 1536 } } },
  ]);
});

test('makes room for other work of its thread, which may close it', async () => {
  const lane = openLane();
  const results = Promise.allSettled([
    lane.run(await indexJob(200_000), () => {}),
    lane.run(await indexJob(1), () => {}),
  ]);
  await new Promise((resolve) => setImmediate(resolve));
  await lane.close();
  expect(await results).toEqual(Array(2).fill({ status: 'rejected', reason: aborted }));
  await expect(lane.run(await indexJob(1), () => {})).rejects.toEqual(aborted);
});

test('takes headers where threads are busy, and counts as one of them', async () => {
  const layer = layerValue({ blob: await layerWith(20_000) });
  const runner = new LayerRunner(1, new InspectionPool(1));
  runner.expect([layer]);
  onTestFinished(() => runner.close());
  const order: string[] = [];
  const index = await indexJob(1);
  const hash = hashTask(await layerWith(1), ['sha256']);
  const run = async (name: string, job: LayerTask) => {
    await runner.run(job, () => {});
    order.push(name);
  };
  await Promise.all([run('index', index), run('hash', hash), run('second index', index)]);
  expect(order[0]).toBe('index');
  expect(order.toSorted()).toEqual(['hash', 'index', 'second index']);
});

test('has threads read headers as well if there are many, before they go on with anything else', async () => {
  const blob = await layerWith(100_000);
  const runner = new LayerRunner(2, new InspectionPool(2));
  runner.expect([layerValue({ blob })]);
  onTestFinished(() => runner.close());
  const order: string[] = [];
  const run = async (name: string, job: LayerTask) => {
    const { contents } = await runner.run(job, () => {});
    if (name === 'index') expect(contents?.length).toBe(blob.length);
    order.push(name);
  };
  const budget = new Budget({ ...DEFAULT_LIMITS, maxEntries: 10_000_000 });
  const indexes = Array.from({ length: 15 }, () => run('index', indexTask(blob, budget)));
  const hashes = Array.from({ length: 40 }, () => run('hash', hashTask(blob, ['sha256'])));
  await Promise.all([...indexes, ...hashes]);
  expect(order.filter((name) => name === 'index')).toHaveLength(15);
  expect(order.lastIndexOf('index')).toBeLessThan(order.length - 10);
});

test('refuses headers that wait when it is closed', async () => {
  const runner = new LayerRunner(2, new InspectionPool(2));
  runner.expect([layerValue({ blob: await layerWith(20_000) })]);
  const index = await indexJob(100_000);
  const results = Promise.allSettled(Array.from({ length: 5 }, () => runner.run(index, () => {})));
  await new Promise((resolve) => setImmediate(resolve));
  await runner.close();
  expect(await results).toEqual(Array(5).fill({ status: 'rejected', reason: aborted }));
  await expect(runner.run(index, () => {})).rejects.toEqual(aborted);
});
