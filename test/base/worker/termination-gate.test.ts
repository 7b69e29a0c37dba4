import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test } from 'vitest';
import { TerminationGate } from '#dimgx/base/worker/thread-task.js';

const GATE = new URL('../../../build/base/worker/thread-task.js', import.meta.url).href;

/** A thread that passes the gate again and again; `counts` are the times that it has begun and ended. */
async function passing(gate: TerminationGate) {
  const counts = new Int32Array(new SharedArrayBuffer(8));
  const code = `
    const { workerData: { gate, counts } } = require('node:worker_threads');
    import(${JSON.stringify(GATE)}).then(({ TerminationGate }) => {
      const held = new TerminationGate(gate);
      for (;;) held.hold(() => {
        Atomics.add(counts, 0, 1);
        for (let turn = 0; turn < 1000; turn++) Math.sqrt(turn);
        Atomics.add(counts, 1, 1);
      });
    });`;
  const worker = new Worker(code, { eval: true, execArgv: [], workerData: { gate: gate.memory, counts } });
  onTestFinished(() => void worker.terminate());
  while (Atomics.load(counts, 0) === 0) await sleep(1);
  return { worker, counts };
}

test('what a thread has begun is done before it may be ended, and nothing more is begun', async () => {
  for (let times = 0; times < 20; times++) {
    const gate = new TerminationGate();
    const { worker, counts } = await passing(gate);
    await gate.shut();
    const [begun, ended] = counts;
    expect(ended).toBe(begun);
    await sleep(5);
    expect([...counts]).toEqual([begun, ended]);
    await worker.terminate();
  }
});

test('is shut at once where nothing is under way', async () => {
  const gate = new TerminationGate();
  expect(gate.hold(() => 'done')).toBe('done');
  expect(() =>
    gate.hold(() => {
      throw new Error('broken');
    }),
  ).toThrow('broken');
  await gate.shut();
  await gate.shut();
});
