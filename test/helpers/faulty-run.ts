import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { DimgxError, ERRORS, type ErrorCode } from '#dimgx/errors.js';
import { DIMGX } from './flatten-quietly.js';
import { temporaryFolder } from './members.js';

/** Longer than any run takes. A run that takes longer hangs. */
const HANGING = 45_000;
const TEMPORARY = /^\.dimgx-[0-9a-f]{12}\.part$/;
/** Contents of the target before a run that may overwrite it. */
const OLD = Buffer.from('the old target');

export interface FaultyRunOptions {
  /** The arguments of the program, in bash syntax: `$image`, `$target` and `$tmp` are those of this run. */
  readonly args: string;
  readonly image: string;
  /** Default: `out.tar` in a new folder. */
  readonly target?: string;
  /** For temporary data. Default: a new folder. */
  readonly tmp?: string;
  /** Whether an old file exists at the target. Default false. */
  readonly old?: boolean;
  /** The command that runs the program, in bash syntax. Default: bash itself, which the program replaces. */
  readonly under?: string;
  /** Default: empty. */
  readonly stdin?: 'pipe';
}

export interface FaultyRun {
  readonly child: ChildProcess;
  readonly folder: string;
  readonly target: string;
  readonly tmp: string;
  readonly old: boolean;
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** Output on standard error so far. */
  readonly said: () => string;
}

/** How a run ended, and what is at the target afterwards. */
export interface Outcome {
  readonly end: 'done' | 'closed' | ErrorCode | NodeJS.Signals;
  readonly target: 'whole' | 'old' | 'none';
}

/** Starts the command line with its own folders for the target and for temporary data. */
export async function startFaulty(options: FaultyRunOptions): Promise<FaultyRun> {
  const folder = await temporaryFolder();
  const { target = join(folder, 'out', 'out.tar'), tmp = join(folder, 'tmp'), old = false } = options;
  await Promise.all([mkdir(dirname(target), { recursive: true }), mkdir(tmp, { recursive: true })]);
  if (old) await writeFile(target, OLD);
  const child = spawn('bash', ['-c', `exec ${options.under ?? ''} "$node" "$dimgx" ${options.args}`], {
    env: { ...process.env, TMPDIR: tmp, tmp, target, image: options.image, node: process.execPath, dimgx: DIMGX },
    stdio: [options.stdin ?? 'ignore', 'pipe', 'pipe'],
  });
  const timer = setTimeout(() => child.kill('SIGABRT'), HANGING);
  onTestFinished(() => void child.kill('SIGKILL'));
  let stderr = '';
  child.stdin?.on('error', () => {});
  child.stdout?.resume();
  child.stderr?.on('data', (piece: Buffer) => {
    stderr += piece.toString();
  });
  const ended = new Promise<Awaited<FaultyRun['ended']>>((resolve) =>
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal });
    }),
  );
  return { child, folder, target, tmp, old, ended, said: () => stderr };
}

/**
 * Waits for a run to end and checks the guarantees that hold for every run, whatever happened to it. The target is
 * either complete or what it was before. Nothing is left beside it or among the temporary data. The exit code matches.
 * An error is reported in one line; a signal or a closed reader is not reported. Only a run killed by SIGKILL may leave
 * a file beside the target, under another name.
 *
 * @param whole the output of an undisturbed run; missing if it has another target
 */
export async function outcomeOf(run: FaultyRun, whole?: Buffer): Promise<Outcome> {
  const { code, signal } = await run.ended;
  const end = signal ?? endOf(code, run.said());
  const names = await readdir(dirname(run.target)).catch(() => []);
  const beside = names.filter((name) => name !== basename(run.target));
  expect(
    beside.filter((name) => signal !== 'SIGKILL' || !TEMPORARY.test(name)),
    `beside the target after ${end}`,
  ).toEqual([]);
  expect(await readdir(run.tmp).catch(() => []), `temporary data after ${end}`).toEqual([]);
  const target = await targetOf(run, whole);
  if (end === 'done') expect(target, 'the target of a run that went well').toBe(whole ? 'whole' : 'none');
  else if (signal === null) expect(target, `the target after ${end}`).toBe(run.old ? 'old' : 'none');
  return { end, target };
}

function endOf(code: number | null, said: string): Exclude<Outcome['end'], NodeJS.Signals> {
  if (code === 0 || code === 141) {
    expect(said).toBe('');
    return code === 0 ? 'done' : 'closed';
  }
  expect(said, `an end with ${code}`).toMatch(/^dimgx: DIMGX_[A-Z_]+: [^\p{Cc}]+\n$/u);
  const told = said.split(': ', 2)[1] as ErrorCode;
  expect(ERRORS).toHaveProperty(told);
  expect({ told, code }).toEqual({ told, code: new DimgxError(told, '').exitCode });
  expect(told).not.toBe('DIMGX_INTERNAL');
  return told;
}

async function targetOf(run: FaultyRun, whole: Buffer | undefined): Promise<Outcome['target']> {
  const bytes = await fileOrNone(run.target);
  if (!bytes) return 'none';
  const is = whole && bytes.equals(whole) ? 'whole' : bytes.equals(OLD) ? 'old' : `${bytes.length} other bytes`;
  expect(['whole', 'old'], 'the target').toContain(is);
  return is as Outcome['target'];
}

interface Undisturbed {
  readonly whole: Buffer | undefined;
  readonly length: number;
}

/** By arguments and archive. */
const known = new Map<string, Promise<Undisturbed>>();

/**
 * A run without faults: what it writes, and how long it takes in milliseconds, which is only used to spread faults over
 * the run. Runs with the same arguments and the same archive are shared between tests.
 */
export async function undisturbed(options: FaultyRunOptions, feed?: (run: FaultyRun) => unknown): Promise<Undisturbed> {
  const archive = await readFile(options.image).catch(() => undefined); // missing if it is a directory
  if (feed || options.under || !archive) return runUndisturbed(options, feed);
  const key = [options.args, options.old, createHash('sha256').update(archive).digest('hex')].join('\n');
  const first = known.get(key) ?? runUndisturbed(options);
  known.set(key, first);
  return first;
}

async function runUndisturbed(options: FaultyRunOptions, feed?: (run: FaultyRun) => unknown): Promise<Undisturbed> {
  const begun = performance.now();
  const run = await startFaulty(options);
  await feed?.(run);
  const end = await run.ended;
  expect({ ...end, said: run.said() }).toEqual({ code: 0, signal: null, said: '' });
  const length = performance.now() - begun;
  return { whole: await fileOrNone(run.target), length };
}

async function fileOrNone(path: string): Promise<Buffer | undefined> {
  return readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
    return undefined;
  });
}
