import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const BIN = fileURLToPath(new URL('../../bin/dimgx.js', import.meta.url));

/**
 * Has the child tell on descriptor 3 what it did, none of it by a clock: how often V8 ran each block of code, in all
 * threads (what is loaded before the counting begins does not count; each worker tells with each answer that it gives); how
 * many bytes it read and wrote, and its peak of memory, by the kernel's own counts.
 */
const MEASURE = `data:text/javascript,${encodeURIComponent(`
  import { readFileSync, writeSync } from 'node:fs';
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
    process.on('exit', () => {
      tellBlocks();
      tell({ bytes: sum(readFileSync('/proc/self/io', 'latin1'), ['rchar', 'wchar']) });
      tell({ peak: sum(readFileSync('/proc/self/status', 'latin1'), ['VmHWM']) / 1024 });
    });
  } else {
    const post = threads.parentPort.postMessage.bind(threads.parentPort);
    threads.parentPort.postMessage = (message, transfer) => {
      if (message.kind !== 'progress') tellBlocks();
      post(message, transfer);
    };
  }
`)}`;

/** What a run of the command line took. The same run takes the same, but for a few parts in a thousand. */
export interface Work {
  /** Blocks of JavaScript that were run. */
  readonly blocks: number;
  /** Read and written, files, pipes and Node's own code together. */
  readonly bytes: number;
  /** Of memory, in MiB. */
  readonly peak: number;
}

export interface MeasuredRun extends Work {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | null;
}

/** Runs the command line to its end and measures it; it is killed when it takes longer than any test may. */
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
  const [, stdout = '', stderr = '', told = ''] = texts;
  return { stdout, stderr, exitCode, ...workOf(told) };
}

function workOf(told: string): Work {
  const work = { blocks: 0, bytes: 0, peak: 0 };
  for (const line of told.split('\n').filter((text) => text !== '')) {
    for (const [key, value] of Object.entries(JSON.parse(line))) work[key as keyof Work] += value as number;
  }
  return work;
}
