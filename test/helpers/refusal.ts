import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { DimgxError, type ErrorCode } from '#dimgx/errors.js';
import { measureDimgx, type Work } from './measure-dimgx.js';
import { temporaryFolder } from './members.js';
import { shortOrLong } from './short-or-long.js';

const MIB = 2 ** 20;

export interface HostileRun {
  readonly args?: readonly string[];
  /** Default: a new folder, which must be empty afterwards. */
  readonly tmpDir?: string;
  /** Written to its standard input. */
  readonly input?: Uint8Array;
  /** Unpacked size of the input in bytes, or the limit on it. Default: the size of the input itself. */
  readonly unpacked?: number;
  /** Maximum memory, in MiB. */
  readonly peak?: number;
  /** Text that the message must contain. */
  readonly saying?: string | RegExp;
}

/**
 * Flattens, as a user would, an image that must be rejected. Expects one printable line with the code, the exit code
 * from the table, nothing left at the target or among the spools, and work and memory within bounds.
 */
export async function expectRefusal(image: string, code: ErrorCode, run: HostileRun = {}): Promise<void> {
  const folder = await temporaryFolder();
  const [targets, tmpDir] = [join(folder, 'targets'), run.tmpDir ?? join(folder, 'spools')];
  await mkdir(targets);
  if (run.tmpDir === undefined) await mkdir(tmpDir);
  const args = ['--tmp-dir', tmpDir, ...(run.args ?? []), '-t', join(targets, 'out.tar'), image];
  const { stdout, stderr, exitCode, ...work } = await measureDimgx(args, run.input);
  expect(stderr).toMatch(/^dimgx: DIMGX_[A-Z_]+: [^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]{1,2000}\n$/u);
  expect(stderr).toContain(`dimgx: ${code}: `);
  if (run.saying !== undefined) expect(stderr).toMatch(run.saying);
  expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: new DimgxError(code, '').exitCode });
  expect(await readdir(targets)).toEqual([]);
  if (run.tmpDir === undefined) expect(await readdir(tmpDir)).toEqual([]);
  expectBounded(work, run.unpacked ?? run.input?.length ?? (await sizeOf(image)), run.peak);
}

/**
 * Checks that work is proportional to the input: each byte is copied a few times at most, and takes a few blocks of
 * code. The rest is the cost of starting Node.
 *
 * @param size in bytes
 * @param peak of memory, in MiB
 */
export function expectBounded(work: Work, size: number, peak = 250): void {
  expect(work.blocks).toBeGreaterThan(100);
  expect(work.blocks).toBeLessThan(1_000_000 + 8 * size);
  expect(work.bytes).toBeGreaterThan(shortOrLong(100, 100_000)); // the long form includes a start of Node
  expect(work.bytes).toBeLessThan(4 * MIB + 4 * size);
  expect(work.peak).toBeGreaterThan(10);
  expect(work.peak).toBeLessThan(peak);
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}
