import { createHash } from 'node:crypto';
import { expect } from 'vitest';

const IS_LONG = process.env.DIMGX_TEST_LONG === '1';

/**
 * Chooses how often a test repeats: seeds, sizes, random runs, moments of a fault. Both forms check the same behaviour.
 * `npm test` runs the short form, which should take a few minutes on two cores. Give it enough cases to find bugs, and
 * fixed seeds. `npm run test:all` (or `DIMGX_TEST_LONG=1`) runs the long form, as `.ci/run` does.
 *
 *     const RUNS = shortOrLong(60, 500);
 *     test.each(shortOrLong([1, 9], [1, 2, 3, 4, 5, 6, 7, 8, 9]))('at level %i', …);
 */
export function shortOrLong<T>(short: T, long: T): T {
  return IS_LONG ? long : short;
}

/**
 * For many cases that are each tried in several ways: in the long form all ways, in the short form one of them. The
 * name of the running test determines which one. So every way gets some cases, and each test does the same every time.
 */
export function inTurn<T>(ways: readonly T[]): readonly T[] {
  if (IS_LONG) return ways;
  const digest = createHash('sha256')
    .update(expect.getState().currentTestName ?? '')
    .digest();
  return [ways[digest.readUInt32LE() % ways.length] as T];
}

/**
 * For numbered cases that are each tried in several ways: in the long form all ways, in the short form a few, taken in
 * turn from case to case.
 *
 * @param number of the case
 * @param count number of ways for each case
 */
export function someInTurn<T>(ways: readonly T[], number: number, count = 1): readonly T[] {
  if (IS_LONG) return ways;
  return Array.from({ length: count }, (_, i) => ways[(number * count + i) % ways.length] as T);
}
