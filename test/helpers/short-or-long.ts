import { createHash } from 'node:crypto';
import { expect } from 'vitest';

const IS_LONG = process.env.DIMGX_TEST_LONG === '1';

/**
 * Chooses how much a test repeats: seeds, sizes, random runs, moments of a fault. Both forms check the same behaviour.
 * `npm test` runs the short form, so that it takes two minutes on two cores: write as much as finds bugs, and give it fixed
 * seeds. `npm run test:all` (or `DIMGX_TEST_LONG=1`) runs the long form, as `.ci/run` does.
 *
 *     const RUNS = shortOrLong(60, 500);
 *     test.each(shortOrLong([1, 9], [1, 2, 3, 4, 5, 6, 7, 8, 9]))('at level %i', …);
 */
export function shortOrLong<T>(short: T, long: T): T {
  return IS_LONG ? long : short;
}

/**
 * For many cases that are each tried in several ways: in the long form all ways, in the short form one of them. Which one
 * depends on the name of the test that runs, so that all ways get their cases and each test does the same every time.
 */
export function inTurn<T>(ways: readonly T[]): readonly T[] {
  if (IS_LONG) return ways;
  const digest = createHash('sha256')
    .update(expect.getState().currentTestName ?? '')
    .digest();
  return [ways[digest.readUInt32LE() % ways.length] as T];
}

/**
 * For cases that are counted, and are each tried in several ways: in the long form all ways, in the short form a few, so
 * that case after case takes all ways in turn.
 *
 * @param number of the case
 * @param count of ways for each case
 */
export function someInTurn<T>(ways: readonly T[], number: number, count = 1): readonly T[] {
  if (IS_LONG) return ways;
  return Array.from({ length: count }, (_, i) => ways[(number * count + i) % ways.length] as T);
}
