import { expect } from 'vitest';
import { type MeasuredRun, measureDimgx } from './measure-dimgx.js';
import { writeArchive } from './members.js';
import { shortOrLong } from './short-or-long.js';

export interface LinearRun {
  /** Default: flatten to nowhere. */
  readonly args?: readonly string[];
  /** Of memory, in MiB. Default 400. */
  readonly peak?: number;
  /** Default 0. */
  readonly exitCode?: number;
}

/** What four times as much may cost, and what costs the same whatever there is. */
const FACTOR = 4.4;
const BLOCKS = 100_000;
const BYTES = 4 * 2 ** 20;

/**
 * The same shape of input, with `n` of something and with four times as many, must not take much more than four times the
 * work: an algorithm that is quadratic would take sixteen times. What a function of V8's own does inside is not counted; where
 * that is quadratic, `n` has to be so large that the run is killed. The short form takes a sixteenth of `n`, but no less than a thousand, or a quarter.
 *
 * @param make the members of an archive
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
