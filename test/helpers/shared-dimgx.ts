import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type Ended, runDimgxIn } from './run-dimgx.js';
import { SERVED_RUNS } from './served-runs.js';
import { shortOrLong } from './short-or-long.js';

const END = '\0\0that was all\0\0';

const SERVE = `${SERVED_RUNS}
  process.on('message', async ({ args, env }) => {
    for (const name of Object.keys(process.env)) delete process.env[name];
    Object.assign(process.env, env);
    begin();
    const code = await run(args);
    await settled();
    endOutput(${JSON.stringify(END)});
    process.send(code);
  });
`;

interface Shared {
  readonly child: ChildProcess;
  /** Rejects when it has ended. */
  readonly ended: Promise<never>;
}

let shared: Shared | undefined;
let last: Promise<unknown> = Promise.resolve();

/**
 * Like `runDimgx`, for tests about arguments and output, not about the process. The long form starts a process for each
 * run, as users do. In the short form the runs of a test worker share one process, which has its code loaded and ends
 * with the worker. It has no standard input.
 */
export function callDimgx(...args: readonly string[]): Promise<Ended> {
  return callDimgxIn(process.env, ...args);
}

/** @param env replaces the environment of this process; variables that Node itself reads have no effect */
export function callDimgxIn(env: NodeJS.ProcessEnv, ...args: readonly string[]): Promise<Ended> {
  if (shortOrLong(false, true)) return runDimgxIn({ env }, ...args);
  const message = { args, env: { ...env } };
  const run = last.then(() => callShared(message));
  last = run.catch(() => {});
  return run;
}

async function callShared(message: object): Promise<Ended> {
  shared ??= startShared();
  const { child, ended } = shared;
  const said = [child.stdout, child.stderr].map((stream) => textOf(stream as NonNullable<typeof stream>));
  const answered = once(child, 'message');
  child.send(message);
  const [[code], stdout = '', stderr = ''] = await Promise.race([Promise.all([answered, ...said]), ended]);
  return { stdout, stderr, code, signal: null };
}

function startShared(): Shared {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', SERVE], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const ended = new Promise<never>((_, reject) => {
    child.on('exit', (code, signal) => {
      shared = undefined;
      reject(new Error(`the shared process ended with ${code ?? signal}`));
    });
  });
  ended.catch(() => {}); // it also ends after the last run
  return { child, ended };
}

/** The text up to the next end mark. */
function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  return new Promise((resolve) => {
    const pieces: Buffer[] = [];
    const take = (piece: Buffer) => {
      pieces.push(piece);
      if (!piece.subarray(-1).equals(Buffer.of(0))) return;
      const text = Buffer.concat(pieces).toString();
      if (!text.endsWith(END)) return;
      stream.off('data', take);
      resolve(text.slice(0, -END.length));
    };
    stream.on('data', take);
  });
}
