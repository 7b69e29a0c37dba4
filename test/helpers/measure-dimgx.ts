import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SERVED_RUNS } from './served-runs.js';
import { shortOrLong } from './short-or-long.js';

const BIN = fileURLToPath(new URL('../../bin/dimgx.js', import.meta.url));

/**
 * Makes the child report on descriptor 3 what it did, without using a clock. It reports how often V8 ran each block of
 * code, in all threads, and, from the kernel's own counters, how many bytes it read and wrote and its peak of memory.
 * Code loaded before the counting begins does not count. Each worker reports its counts with every answer.
 */
const MEASURE = `data:text/javascript,${encodeURIComponent(`
  import { readFileSync, writeFileSync, writeSync } from 'node:fs';
  import { Session } from 'node:inspector';
  import { syncBuiltinESMExports } from 'node:module';
  import threads from 'node:worker_threads';
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  const tell = (what) => writeSync(3, JSON.stringify(what) + '\\n');
  const tellBlocks = () => session.post('Profiler.takePreciseCoverage', (_, { result }) => {
    let blocks = 0;
    for (const { url, functions } of result)
      if (url.startsWith('file:'))
        for (const { ranges } of functions) for (const { count } of ranges) blocks += count;
    tell({ blocks });
  });
  if (threads.isMainThread) {
    threads.Worker = class extends threads.Worker {
      constructor(file, options) { super(file, { ...options, execArgv: ['--import', import.meta.url] }); }
    };
    syncBuiltinESMExports();
    const sum = (text, names) => names.reduce((all, name) => all + Number(new RegExp(name + ':\\\\s*(\\\\d+)').exec(text)[1]), 0);
    const bytes = () => sum(readFileSync('/proc/self/io', 'latin1'), ['rchar', 'wchar']);
    let before = 0;
    globalThis.measure = {
      begin() {
        writeFileSync('/proc/self/clear_refs', '5'); // from here on, the peak is that of this run
        session.post('Profiler.takePreciseCoverage');
        before = bytes();
      },
      tell() {
        tellBlocks();
        tell({ bytes: bytes() - before });
        tell({ peak: sum(readFileSync('/proc/self/status', 'latin1'), ['VmHWM']) / 1024 });
      },
    };
    if (!process.send) process.on('exit', globalThis.measure.tell);
  } else {
    const post = threads.parentPort.postMessage.bind(threads.parentPort);
    threads.parentPort.postMessage = (message, transfer) => {
      if (message.kind !== 'progress') tellBlocks();
      post(message, transfer);
    };
  }
`)}`;

/** Measures each run, and ends all that it says with a NUL. */
const SERVE = `${SERVED_RUNS}
  import { closeSync, openSync, writeSync } from 'node:fs';
  // A file is opened under the lowest free number, 0. A run that has read its input to the end has closed it already.
  const readFrom = (path) => {
    try { closeSync(0); } catch {}
    if (openSync(path, 'r') !== 0) process.abort();
  };
  process.on('message', async ({ args, stdin }) => {
    readFrom(stdin);
    process.send('it is open');
    begin();
    gc();
    measure.begin();
    const exitCode = await run(args);
    measure.tell();
    await settled();
    readFrom('/dev/null');
    writeSync(3, JSON.stringify({ exitCode }) + '\\n\\0');
    endOutput('\\0');
  });
`;

/** The cost of one run of the command line. Repeating a run costs the same, to within a few parts in a thousand. */
export interface Work {
  /** Blocks of JavaScript executed. */
  readonly blocks: number;
  /** Bytes read and written, including files, pipes and Node's own code. */
  readonly bytes: number;
  /** Peak of memory, in MiB. */
  readonly peak: number;
}

export interface MeasuredRun extends Work {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | null;
}

/** As in bin/dimgx.js. */
const THREADS = String(Math.max(2, availableParallelism()));

/** Longer than any test may take. A run that takes longer is killed. */
const HANGING = 50_000;

/**
 * Runs the command line to its end and measures it. It is killed if it takes longer than any test may. The long form
 * starts a process for each run, as users do. In the short form the runs of a test worker share one process, which has
 * its code loaded and ends with the worker.
 */
export async function measureDimgx(args: readonly string[], input?: Uint8Array): Promise<MeasuredRun> {
  const writesOut = args.some((arg, at) => arg === '-' && args[at - 1] === '-t');
  return shortOrLong(!writesOut, false) ? inTheShared(args, input) : alone(args, input);
}

async function alone(args: readonly string[], input?: Uint8Array): Promise<MeasuredRun> {
  const child = spawn(process.execPath, ['--import', MEASURE, BIN, ...args], {
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    timeout: HANGING,
    killSignal: 'SIGKILL',
  });
  const texts = ['', '', '', ''];
  for (const at of [1, 2, 3]) child.stdio[at]?.on('data', (piece: Buffer) => (texts[at] += piece.toString()));
  child.stdin?.on('error', () => {});
  child.stdin?.end(input);
  const exitCode = await new Promise<number | null>((resolve) => child.on('close', resolve));
  const [, stdout = '', stderr = '', told = ''] = texts;
  return { stdout, stderr, ...workOf(told), exitCode };
}

/**
 * In MiB. A shared process whose peak was higher gets no further run, because its peak would be counted for that run.
 */
const FRESH = 120;
let shared: ChildProcess | undefined;
let last: Promise<unknown> = Promise.resolve();

/** One run at a time. */
function inTheShared(args: readonly string[], input?: Uint8Array): Promise<MeasuredRun> {
  const run = last.then(async () => {
    const child = shared ?? startShared();
    const fifo = input && (await makeFifo());
    child.once('message', () => fifo?.fill(input as Uint8Array)); // each run gets its own message
    const result = await oneOf(child, args, fifo?.path ?? '/dev/null');
    await fifo?.remove();
    shared = result.exitCode === null || result.peak > FRESH ? void child.kill('SIGKILL') : child;
    return result;
  });
  last = run.catch(() => {});
  return run;
}

function startShared(): ChildProcess {
  return spawn(process.execPath, ['--expose-gc', '--import', MEASURE, '--input-type=module', '--eval', SERVE], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'ipc'],
    env: { UV_THREADPOOL_SIZE: THREADS, ...process.env },
  });
}

/** Makes the shared process execute a run. The process may die from it. */
async function oneOf(child: ChildProcess, args: readonly string[], stdin: string): Promise<MeasuredRun> {
  const timer = setTimeout(() => child.kill('SIGKILL'), HANGING);
  child.send({ args, stdin });
  const [stdout = '', stderr = '', told = ''] = await Promise.all([1, 2, 3].map((at) => untilNul(child.stdio[at])));
  clearTimeout(timer);
  return { stdout, stderr, exitCode: null, ...workOf(told) };
}

function untilNul(stream: ChildProcess['stdio'][number]): Promise<string> {
  let text = '';
  return new Promise((resolve) => {
    const end = () => {
      stream?.removeListener('data', take);
      stream?.removeListener('close', end);
      resolve(text.replace('\0', ''));
    };
    const take = (piece: Buffer) => {
      text += piece.toString();
      if (text.endsWith('\0')) end();
    };
    stream?.on('data', take);
    stream?.on('close', end);
  });
}

/** A FIFO that has a writer from the start, so that opening it for reading does not block. */
async function makeFifo() {
  const folder = await mkdtemp(join(tmpdir(), 'dimgx-test-'));
  const path = join(folder, 'stdin');
  execFileSync('mkfifo', [path]);
  const reader = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = await open(path, 'w');
  let written: Promise<void> | undefined;
  const close = () => writer.close();
  return {
    path,
    /** Called once the run reads it: a reader that opened it after the writer had left would not see an end. */
    fill(input: Uint8Array) {
      // data that is never read is lost
      written = writer.writeFile(input).then(close, close);
    },
    async remove() {
      await reader.close(); // a pending write then fails, because there is no reader
      await (written ?? close());
      await rm(folder, { recursive: true });
    },
  };
}

function workOf(told: string): Work & { readonly exitCode?: number } {
  const work = { blocks: 0, bytes: 0, peak: 0 };
  for (const line of told.split('\n').filter((text) => text !== '')) {
    for (const [key, value] of Object.entries<number>(JSON.parse(line)))
      work[key as keyof Work] = (work[key as keyof Work] ?? 0) + value;
  }
  return work;
}
