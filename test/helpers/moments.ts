import { inTurn, shortOrLong } from './short-or-long.js';

/**
 * Number of faults of each kind that a test injects. For a longer run: `DIMGX_TEST_MOMENTS=100 npx vitest run
 * test/faults`.
 */
export const MOMENTS = Number(process.env.DIMGX_TEST_MOMENTS ?? shortOrLong(2, 3));
/** `DIMGX_TEST_SEED=2` puts them elsewhere. */
const SEED = Number(process.env.DIMGX_TEST_SEED ?? 1);

/** For `vi.setConfig`: a timeout long enough for all these runs. */
export const WITH_MOMENTS = { testTimeout: 90_000 + MOMENTS * 15_000 };

/**
 * Points from 0 up to `length`: it is split into `count` equal parts, and each part gets one random point. So even a
 * few points cover all of it.
 */
export function moments(length: number, count = MOMENTS): readonly number[] {
  const random = randomNumbers(SEED);
  return Array.from({ length: count }, (_, part) => (length * (part + random())) / count);
}

/**
 * For faults that many tests inject: in the short form, one of the moments (or equivalents), a different one in each
 * test.
 */
export function few<T>(all: readonly T[]): readonly T[] {
  return process.env.DIMGX_TEST_MOMENTS === undefined ? inTurn(all) : all;
}

/** Mulberry32: numbers from 0 up to 1, the same for the same seed. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
