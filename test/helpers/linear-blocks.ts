import { Session } from 'node:inspector';
import { expect } from 'vitest';

/** The growth allowed for four times the input, and what does not depend on the input. */
const FACTOR = 4.4;
const BLOCKS = 20_000;
const OUTPUT = 10_000;

/**
 * Checks, in this thread, that four times the input takes hardly more than four times the work and gives hardly more
 * than four times the output. See `expectLinearWork`, which does so for runs of the command line.
 *
 * @param use returns the amount of output
 */
export async function expectLinearBlocks(use: (n: number) => Promise<number>, n: number): Promise<void> {
  await use(1); // what is loaded or made only once
  const one = await blocksOf(() => use(n));
  const four = await blocksOf(() => use(4 * n));
  expect(one.blocks).toBeGreaterThan(n);
  expect(four.blocks).toBeLessThan(FACTOR * one.blocks + BLOCKS);
  expect(four.output).toBeLessThan(FACTOR * one.output + OUTPUT);
}

/** How often V8 ran each block of the code of dimgx. */
async function blocksOf(use: () => Promise<number>): Promise<{ blocks: number; output: number }> {
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  const output = await use();
  let blocks = 0;
  session.post('Profiler.takePreciseCoverage', (_, { result }) => {
    const own = result.filter(({ url }) => url.includes('/build/'));
    for (const { functions } of own)
      for (const { ranges } of functions) for (const { count } of ranges) blocks += count;
  });
  session.post('Profiler.stopPreciseCoverage');
  session.disconnect();
  return { blocks, output };
}
