import { spawn } from 'node:child_process';
import { mkdir, readdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { DIMGX } from '../helpers/flatten-quietly.js';
import { temporaryFolder } from '../helpers/members.js';
import { runScript } from '../helpers/run-script.js';
import { sampleImage } from '../helpers/sample-image.js';

const LARGE = 12 * 1024 * 1024;
const MOMENTS = 24;

/** Starts dimgx with folders of its own for temporary data and for the target, and reads what it writes. */
async function start(script: string, archive: string, target: string) {
  const folder = await temporaryFolder();
  const [tmp, out] = [`${folder}/tmp`, `${folder}/out`];
  await Promise.all([mkdir(tmp), mkdir(out)]);
  const child = spawn(
    'bash',
    ['-c', `exec "$0" "$1" ${script}`, process.execPath, DIMGX, `${out}/${target}`, archive],
    {
      env: { ...process.env, TMPDIR: tmp },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  onTestFinished(() => void child.kill('SIGKILL'));
  let stderr = '';
  child.stdout.resume();
  child.stderr.on('data', (piece: Buffer) => {
    stderr += piece.toString();
  });
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) =>
    child.on('close', (code, signal) => resolve({ code, signal })),
  );
  const left = async () => ({ tmp: await readdir(tmp), out: await readdir(out) });
  return { child, ended, left, said: () => stderr };
}

/** How long a run takes that nothing disturbs, in milliseconds: only to spread the moments over it. */
async function duration(script: string, archive: string, target: string): Promise<number> {
  const begun = performance.now();
  const { ended } = await start(script, archive, target);
  expect(await ended).toEqual({ code: 0, signal: null });
  return performance.now() - begun;
}

const RUNS: readonly [string, string, string][] = [
  ['inspecting with threads, writing a file', '-t "$2" "$3"', 'out.tar'],
  ['compressing', '-t "$2" "$3"', 'out.tar.gz'],
  ['spooling standard input', '-t "$2" - < <(cat "$3")', 'out.tar'],
  ['writing to a pipe', '-t - "$3"', 'none'],
  ['listing as JSON', '--json "$3"', 'none'],
];

describe.each(RUNS)('%s', (_, script, target) => {
  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s at any moment leaves nothing behind', async (signal) => {
    const archive = await sampleImage({ large: LARGE, gzip: true });
    const length = await duration(script, archive, target);
    let killed = 0;
    for (let moment = 0; moment < MOMENTS; moment++) {
      const { child, ended, left, said } = await start(script, archive, target);
      await sleep((length * (moment + Math.random())) / MOMENTS);
      child.kill(signal);
      const end = await ended;
      if (end.code === 0) continue;
      killed++;
      expect(end).toEqual({ code: null, signal });
      expect(said()).toBe('');
      // What came in the moment between publishing and dying is whole.
      expect(await left()).toEqual({ tmp: [], out: expect.toSatisfy(isNothingOr(target)) });
    }
    expect(killed).toBeGreaterThan(MOMENTS / 3);
  });

  test('SIGKILL at any moment leaves no spool, and no target under its name', async () => {
    const archive = await sampleImage({ large: LARGE, gzip: true });
    const length = await duration(script, archive, target);
    let killed = 0;
    for (let moment = 0; moment < MOMENTS; moment++) {
      const { child, ended, left } = await start(script, archive, target);
      await sleep((length * moment) / MOMENTS);
      child.kill('SIGKILL');
      if ((await ended).code === 0) continue;
      killed++;
      const { tmp, out } = await left();
      expect(tmp).toEqual([]);
      if (out.includes(target)) expect(out).toEqual([target]);
    }
    expect(killed).toBeGreaterThan(MOMENTS / 3);
  });
});

function isNothingOr(target: string): (names: string[]) => boolean {
  return (names) => names.length === 0 || (names.length === 1 && names[0] === target);
}

test.each([
  ['INT', 130],
  ['TERM', 143],
  ['HUP', 129],
])('a shell sees of SIG%s the status %i', async (signal, status) => {
  const { code, stdout } = await runScript(
    `mkfifo "$1/fifo"
     "$DIMGX_NODE" "$DIMGX_BIN" -v -t "$1/fifo" "$2" 2> "$1/log" & pid=$!
     until test -s "$1/log"; do sleep 0.02; done
     kill -$3 $pid; wait $pid; echo $?`,
    await temporaryFolder(),
    await sampleImage(),
    signal,
  );
  expect({ code, stdout: stdout.toString() }).toEqual({ code: 0, stdout: `${status}\n` });
});
