import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const BIN = fileURLToPath(new URL('../../bin/dimgx.js', import.meta.url));

export interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Running {
  readonly process: ChildProcessWithoutNullStreams;
  readonly ended: Promise<Ended>;
}

/** Where a command runs. */
export interface Surroundings {
  /** Replaces the environment of this process. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** A command that runs the command appended to it. */
  readonly under?: readonly string[];
  readonly cwd?: string;
  /** User and group ID, only for root. Also needs a `publicCopy`, which that user can enter. */
  readonly user?: number;
  /** Replaces the Node of this process, and this clone. */
  readonly copy?: { readonly node: string; readonly bin: string };
}

/** Starts the command line as a user would; its standard input stays open. */
export function startDimgx(...args: readonly string[]): Running {
  return startDimgxIn({}, ...args);
}

/** Runs it to its end, with empty standard input. */
export function runDimgx(...args: readonly string[]): Promise<Ended> {
  return runDimgxIn({}, ...args);
}

export function runDimgxIn(surroundings: Surroundings, ...args: readonly string[]): Promise<Ended> {
  const { process: child, ended } = startDimgxIn(surroundings, ...args);
  child.stdin.end();
  return ended;
}

function startDimgxIn(
  { env = process.env, under = [], cwd, user, copy = { node: process.execPath, bin: BIN } }: Surroundings,
  ...args: readonly string[]
): Running {
  const [command = '', ...rest] = [...under, copy.node, copy.bin, ...args];
  const child = spawn(command, rest, { env, cwd, ...(user !== undefined && { uid: user, gid: user }) });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  // Input for a process that has ended is lost, which does no harm.
  child.stdin.on('error', () => {});
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) =>
      resolve({ stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString(), code, signal }),
    );
  });
  return { process: child, ended };
}
