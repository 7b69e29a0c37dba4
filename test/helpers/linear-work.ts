import { expect } from 'vitest';
import { type MeasuredRun, measureDimgx } from './measure-dimgx.js';
import { writeArchive } from './members.js';
import { shortOrLong } from './short-or-long.js';

export interface LinearRun {
  /** Default: flatten and discard the result. */
  readonly args?: readonly string[];
  /** Maximum memory, in MiB. Default 400. */
  readonly peak?: number;
  /** Default 0. */
  readonly exitCode?: number;
}

/** The growth allowed for four times the input, and the fixed costs that do not depend on the input. */
const FACTOR = 4.4;
const BLOCKS = 100_000;
const BYTES = 4 * 2 ** 20;

/**
 * Checks that four times the input takes hardly more than four times the work. A quadratic algorithm would take sixteen
 * times. The work inside V8's own functions is not counted. If that is what is quadratic, `n` must be so large that the
 * run is killed. The short form uses a sixteenth of `n`, but at least the smaller of 1000 and a quarter of `n`.
 *
 * @param make returns the members of an archive
 * @returns the larger run
 */
export async function expectLinearWork(
  make: (n: number) => Parameters<typeof writeArchive>[0],
  n: number,
  { args = ['-t', '/dev/null'], peak = 400, exitCode = 0 }: LinearRun = {},
): Promise<MeasuredRun> {
  const count = Math.ceil(shortOrLong(Math.max(n / 16, Math.min(n / 4, 1000)), n));
  const one = await measureDimgx([...args, await writeArchive(make(count))]);
  const four = await measureDimgx([...args, await writeArchive(make(4 * count))]);
  expect([one.exitCode, four.exitCode], four.stderr).toEqual([exitCode, exitCode]);
  expect(one.blocks).toBeGreaterThan(100);
  expect(four.blocks).toBeLessThan(FACTOR * one.blocks + BLOCKS);
  expect(four.bytes).toBeLessThan(FACTOR * one.bytes + BYTES);
  expect(four.peak).toBeLessThan(peak);
  return four;
}
