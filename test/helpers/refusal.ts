import { spawn } from 'node:child_process';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { DimgxError, type ErrorCode } from '#dimgx/errors.js';
import { temporaryFolder } from './members.js';

const BIN = fileURLToPath(new URL('../../bin/dimgx.js', import.meta.url));

/** Has the child tell its peak of memory on descriptor 3: the kernel's own count, as rusage has the parent's in it. */
const MEASURE = `data:text/javascript,${encodeURIComponent(`
  import { readFileSync, writeSync } from 'node:fs';
  import { isMainThread } from 'node:worker_threads';
  const peak = () => /VmHWM:\\s*(\\d+)/.exec(readFileSync('/proc/self/status', 'latin1'))[1];
  if (isMainThread) process.on('exit', () => writeSync(3, peak()));
`)}`;

export interface HostileRun {
  readonly args?: readonly string[];
  /** Default: a new folder, which must be empty afterwards. */
  readonly tmpDir?: string;
  /** To write on its standard input. */
  readonly input?: Uint8Array;
  /** Of memory, in MiB. */
  readonly peak?: number;
  /** What the message must tell. */
  readonly saying?: string | RegExp;
}

export interface MeasuredRun {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | null;
  /** In MiB. */
  readonly peak: number;
}

/** Runs the command line to its end and measures its memory; it is killed when it takes longer than any test may. */
export async function measureDimgx(args: readonly string[], input?: Uint8Array): Promise<MeasuredRun> {
  const child = spawn(process.execPath, ['--import', MEASURE, BIN, ...args], {
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    timeout: 50_000,
    killSignal: 'SIGKILL',
  });
  const texts = ['', '', '', ''];
  for (const at of [1, 2, 3]) child.stdio[at]?.on('data', (piece: Buffer) => (texts[at] += piece.toString()));
  child.stdin?.on('error', () => {});
  child.stdin?.end(input);
  const exitCode = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { stdout: texts[1] ?? '', stderr: texts[2] ?? '', exitCode, peak: Number(texts[3]) / 1024 };
}

/**
 * Flattens what must be refused, as a user would: one printable line with the code, the exit code of the table, nothing
 * left where the target and the spools were to be, and memory within bounds.
 */
export async function expectRefusal(image: string, code: ErrorCode, run: HostileRun = {}): Promise<void> {
  const folder = await temporaryFolder();
  const [targets, tmpDir] = [join(folder, 'targets'), run.tmpDir ?? join(folder, 'spools')];
  await mkdir(targets);
  if (run.tmpDir === undefined) await mkdir(tmpDir);
  const args = ['--tmp-dir', tmpDir, ...(run.args ?? []), '-t', join(targets, 'out.tar'), image];
  const { stdout, stderr, exitCode, peak } = await measureDimgx(args, run.input);
  expect(stderr).toMatch(/^dimgx: DIMGX_[A-Z_]+: [^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]{1,2000}\n$/u);
  expect(stderr).toContain(`dimgx: ${code}: `);
  if (run.saying !== undefined) expect(stderr).toMatch(run.saying);
  expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: new DimgxError(code, '').exitCode });
  expect(await readdir(targets)).toEqual([]);
  if (run.tmpDir === undefined) expect(await readdir(tmpDir)).toEqual([]);
  expect(peak).toBeGreaterThan(10);
  expect(peak).toBeLessThan(run.peak ?? 250);
}
