import { spawn } from 'node:child_process';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { DIMGX } from '../helpers/flatten-quietly.js';
import { temporaryFolder } from '../helpers/members.js';
import { runScript } from '../helpers/run-script.js';
import { sampleImage } from '../helpers/sample-image.js';

const LARGE = 6 * 1024 * 1024;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** A longer run: `DIMGX_TEST_MOMENTS=200 npx vitest run test/cli/signals.test.ts`. */
const MOMENTS = Number(process.env.DIMGX_TEST_MOMENTS ?? 9);
const TEMPORARY = /^\.dimgx-[0-9a-f]{12}\.part$/;

vi.setConfig({ testTimeout: 60_000 + MOMENTS * 5_000 });

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
  return { child, ended, out, left, said: () => stderr };
}

/** A run that nothing disturbs: how long it takes, in milliseconds, only to spread the moments over it; and its target. */
async function undisturbed(script: string, archive: string, target: string) {
  const begun = performance.now();
  const { ended, out } = await start(script, archive, target);
  expect(await ended).toEqual({ code: 0, signal: null });
  return { length: performance.now() - begun, whole: await readFile(`${out}/${target}`).catch(() => Buffer.alloc(0)) };
}

const RUNS: readonly [string, string, string][] = [
  ['inspecting with threads, writing a file', '-t "$2" "$3"', 'out.tar'],
  ['compressing', '-t "$2" "$3"', 'out.tar.gz'],
  ['spooling standard input', '-t "$2" - < <(cat "$3")', 'out.tar'],
  ['writing to a pipe', '-t - "$3"', 'none'],
  ['listing as JSON', '--json "$3"', 'none'],
];

describe.each(RUNS)('%s', (_, script, target) => {
  test(`${SIGNALS.join(', ')} at any moment leave nothing behind`, async () => {
    const archive = await sampleImage({ large: LARGE, gzip: true });
    const { length, whole } = await undisturbed(script, archive, target);
    let killed = 0;
    for (let moment = 0; moment < MOMENTS; moment++) {
      const signal = SIGNALS[moment % SIGNALS.length] as NodeJS.Signals;
      const { child, ended, out, left, said } = await start(script, archive, target);
      await sleep((length * (moment + Math.random())) / MOMENTS);
      child.kill(signal);
      const end = await ended;
      if (end.code === 0) continue;
      killed++;
      expect(end).toEqual({ code: null, signal });
      expect(said()).toBe('');
      expect((await left()).tmp).toEqual([]);
      // In the moment between publishing and dying the target is there, and whole.
      const names = (await left()).out;
      if (names.length > 0) expect(names).toEqual([target]);
      if (names.length > 0) expect((await readFile(`${out}/${target}`)).equals(whole)).toBe(true);
    }
    expect(killed).toBeGreaterThan(MOMENTS / 3);
  });

  test('SIGKILL at any moment leaves no spool, and no target under its name', async () => {
    const archive = await sampleImage({ large: LARGE, gzip: true });
    const { length, whole } = await undisturbed(script, archive, target);
    let killed = 0;
    for (let moment = 0; moment < MOMENTS; moment++) {
      const { child, ended, out, left } = await start(script, archive, target);
      await sleep((length * (moment + Math.random())) / MOMENTS);
      child.kill('SIGKILL');
      if ((await ended).code === 0) continue;
      killed++;
      const { tmp, out: names } = await left();
      expect(tmp).toEqual([]);
      expect(names.filter((name) => name !== target && !TEMPORARY.test(name))).toEqual([]);
      if (names.includes(target)) expect((await readFile(`${out}/${target}`)).equals(whole)).toBe(true);
    }
    expect(killed).toBeGreaterThan(MOMENTS / 3);
  });
});

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
