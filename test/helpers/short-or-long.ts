/**
 * Chooses how much a test repeats: seeds, sizes, random runs, moments of a fault. Both forms check the same behaviour.
 * `npm test` runs the short form, so that it takes two minutes on two cores: write as much as finds bugs, and give it fixed
 * seeds. `npm run test:all` (or `DIMGX_TEST_LONG=1`) runs the long form, as `.ci/run` does.
 *
 *     const RUNS = shortOrLong(60, 500);
 *     test.each(shortOrLong([1, 9], [1, 2, 3, 4, 5, 6, 7, 8, 9]))('at level %i', …);
 */
export function shortOrLong<T>(short: T, long: T): T {
  return process.env.DIMGX_TEST_LONG === '1' ? long : short;
}
