import { inTurn, shortOrLong } from './short-or-long.js';

/** How many faults of a kind a test makes. A longer run: `DIMGX_TEST_MOMENTS=100 npx vitest run test/faults`. */
export const MOMENTS = Number(process.env.DIMGX_TEST_MOMENTS ?? shortOrLong(2, 4));
/** `DIMGX_TEST_SEED=2` puts them elsewhere. */
const SEED = Number(process.env.DIMGX_TEST_SEED ?? 1);

/** For `vi.setConfig`: no test of so many runs is hurried. */
export const WITH_MOMENTS = { testTimeout: 90_000 + MOMENTS * 15_000 };

/**
 * Points from 0 up to the length, one at random in each of as many equal parts, so that all of it is met however few they
 * are.
 */
export function moments(length: number, count = MOMENTS): readonly number[] {
  const random = randomNumbers(SEED);
  return Array.from({ length: count }, (_, part) => (length * (part + random())) / count);
}

/** Of moments, or of what stands for them, in the short form one, another in each test: for faults that many tests make. */
export function few<T>(all: readonly T[]): readonly T[] {
  return process.env.DIMGX_TEST_MOMENTS === undefined ? inTurn(all) : all;
}

/** Mulberry32: from 0 up to 1, the same for the same seed. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
