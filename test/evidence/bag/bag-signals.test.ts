import { type ChildProcess, spawn } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { temporaryFolder } from '../../helpers/members.js';
import { MOMENTS, moments, WITH_MOMENTS } from '../../helpers/moments.js';
import { brokenRules } from '../../helpers/rfc8493.js';

vi.setConfig(WITH_MOMENTS);

/** Makes a bag of many files, in all ways that there are. Says when it begins. */
const MAKE_BAG = `
  import { writeFileSync } from 'node:fs';
  import { withSignals } from '#dimgx/cli/with-signals.js';
  import { BagFolder } from '#dimgx/evidence/bag/bag-folder.js';
  await withSignals(async (signal) => {
    process.stdout.write('begun');
    const bag = await BagFolder.create(process.env.BAG, signal);
    try {
      for (let at = 0; at < 100; at++) {
        const file = bag.openFile(at % 10 + '/' + at);
        for (let piece = 0; piece < 4; piece++) await file.write(Buffer.alloc(1000));
        await file.end();
        writeFileSync(bag.pathOf('plain/' + at), 'x');
      }
      const facts = { date: new Date(), softwareAgent: 'dimgx', identifiers: ['x'] };
      await bag.complete(facts, [{ name: 'snapshot.json', bytes: Buffer.alloc(1000) }]);
    } catch (failure) {
      await bag.discard();
      if (failure.code !== 'DIMGX_ABORTED') throw failure;
    }
  });
`;

async function begin(bag: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', MAKE_BAG], {
    cwd: new URL('../../../', import.meta.url),
    env: { ...process.env, BAG: bag },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  await new Promise((resolve) => child.stdout?.once('data', resolve));
  return child;
}

const endOf = (child: ChildProcess) =>
  new Promise<NodeJS.Signals | number | null>((resolve) =>
    child.on('close', (code, signal) => resolve(signal ?? code)),
  );

async function lengthOfRun(): Promise<number> {
  const folder = await temporaryFolder();
  const child = await begin(`${folder}/bag`);
  const begun = performance.now();
  expect(await endOf(child)).toBe(0);
  expect(brokenRules(`${folder}/bag`)).toEqual([]);
  return performance.now() - begun;
}

test.each([
  ['one signal', 1],
  ['two signals in a row', 2],
])('%s at any moment: the bag is whole, or nothing is left', async (_, count) => {
  const length = await lengthOfRun();
  let killed = 0;
  for (const moment of [0, ...moments(length, 2 * MOMENTS)]) {
    const folder = await temporaryFolder();
    const child = await begin(`${folder}/bag`);
    const ended = endOf(child);
    await sleep(moment);
    for (let at = 0; at < count; at++) child.kill(at === 0 ? 'SIGTERM' : 'SIGINT');
    const end = await ended;
    const left = await readdir(folder);
    if (left.length > 0) {
      expect(left).toEqual(['bag']);
      expect(brokenRules(`${folder}/bag`)).toEqual([]);
    } else expect(['SIGTERM', 'SIGINT']).toContain(end);
    if (end !== 0) killed++;
  }
  expect(killed).toBeGreaterThan(0);
});
