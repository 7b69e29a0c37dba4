import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { test } from 'vitest';
import type { SnapshotOptions } from '#dimgx/snapshot/snapshot.js';
import { flawsOf, snapshotBag } from '../helpers/snapshot-bag.js';
import { RUNS } from './bounds.js';
import { checkLaw } from './check-law.js';
import type { Stack } from './random-stack.js';
import { withoutRefused } from './without-refused.js';

/** What a snapshot may be of. Half of them are of everything. */
const OPTIONS: readonly SnapshotOptions[] = [
  ...Array(3).fill({}),
  { excludeDevices: true },
  { reverse: true },
  { paths: ['-/a', '+/a/*'] },
];

test('the records in a snapshot of a random stack agree with its tars', { timeout: 0 }, async () => {
  const law = async (stack: Stack) => {
    const bag = await snapshotBag(stack, OPTIONS[crc32(JSON.stringify(stack)) % OPTIONS.length]);
    const flaws = await flawsOf(bag);
    await rm(dirname(bag), { recursive: true });
    return flaws;
  };
  await checkLaw((stacks) => Promise.all(stacks.map(law)), RUNS, withoutRefused);
});
