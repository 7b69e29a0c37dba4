import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { lacks } from '../helpers/engines.js';
import { type FaultyRun, type FaultyRunOptions, outcomeOf, startFaulty, undisturbed } from '../helpers/faulty-run.js';
import { temporaryFolder } from '../helpers/members.js';
import { moments, WITH_MOMENTS } from '../helpers/moments.js';
import { runScript } from '../helpers/run-script.js';
import { sampleImage } from '../helpers/sample-image.js';
import { inTurn, shortOrLong } from '../helpers/short-or-long.js';

vi.setConfig(WITH_MOMENTS);

const LARGE = 6 * 1024 * 1024;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const RUNS = [
  ['copying, hashing with threads', '-t "$target" "$image"', {}],
  ['decoding layers, copying', '-t "$target" "$image"', { gzip: true }],
  ['compressing', '-z --log-level error -t "$target" "$image"', {}],
  ['overwriting', '-w -t "$target" "$image"', { old: true }],
  ['spooling standard input', '-t "$target" - < <(cat "$image")', { gzip: true }],
  ['writing to a pipe', '-t - "$image"', { gzip: true }],
  ['listing', '"$image"', {}],
  ['listing as JSON', '--json "$image"', { gzip: true }],
] as const satisfies readonly [string, string, { gzip?: boolean; old?: boolean }][];

/** The machine may have had more to do during the undisturbed run: one that is over sooner tells how long the next takes. */
async function startTimed(options: FaultyRunOptions, clock: { length: number }): Promise<FaultyRun> {
  const begun = performance.now();
  const run = await startFaulty(options);
  void run.ended.then(({ code }) => {
    if (code === 0) clock.length = Math.min(clock.length, performance.now() - begun);
  });
  return run;
}

describe.each(RUNS.map((run, at) => [...run, at] as const))('%s', (_, args, settings, row) => {
  const { gzip = false, old = false }: { gzip?: boolean; old?: boolean } = settings;
  const hasTarget = args.includes('$target');
  /** In the short form each row meets one of the three ways to die. */
  const meets = (way: number) => shortOrLong(way === (hasTarget ? row % 3 : (row % 2) * 2), true);
  const plan = async (): Promise<FaultyRunOptions> => ({ args, old, image: await sampleImage({ large: LARGE, gzip }) });

  test.runIf(meets(0))(`${SIGNALS.join(', ')} at any moment leave nothing behind`, async () => {
    const options = await plan();
    const { whole, ...clock } = await undisturbed(options);
    let killed = 0;
    for (const [at, part] of moments(1).entries()) {
      const signal = SIGNALS[(row + at) % SIGNALS.length] as NodeJS.Signals;
      const run = await startTimed(options, clock);
      await sleep(part * clock.length);
      run.child.kill(signal);
      const { end } = await outcomeOf(run, whole);
      if (end === 'done') continue;
      killed++;
      expect({ end, said: run.said() }).toEqual({ end: signal, said: '' });
    }
    expect(killed).toBeGreaterThan(0);
  });

  test.runIf(hasTarget && meets(1))('two signals, at once or nearly so, leave nothing behind either', async () => {
    const options = await plan();
    const { whole, ...clock } = await undisturbed(options);
    let killed = 0;
    for (const [at, part] of moments(1).entries()) {
      const run = await startTimed(options, clock);
      await sleep(part * clock.length);
      run.child.kill('SIGTERM');
      if (at % 2 === 1) await sleep(at % 5);
      run.child.kill('SIGINT');
      const { end } = await outcomeOf(run, whole);
      if (end === 'done') continue;
      killed++;
      expect(['SIGINT', 'SIGTERM']).toContain(end);
      expect(run.said()).toBe('');
    }
    expect(killed).toBeGreaterThan(0);
  });

  test.runIf(meets(2))('SIGKILL at any moment leaves no spool, and no half of a target under its name', async () => {
    const options = await plan();
    const { whole, ...clock } = await undisturbed(options);
    let killed = 0;
    for (const part of moments(1)) {
      const run = await startTimed(options, clock);
      await sleep(part * clock.length);
      run.child.kill('SIGKILL');
      if ((await outcomeOf(run, whole)).end === 'SIGKILL') killed++;
    }
    expect(killed).toBeGreaterThan(0);
  });
});

describe.skipIf(lacks('strace'))('a signal in the midst of publishing (needs strace)', () => {
  const STEPS = [
    ['a new target', '-t "$target" "$image"', false, { link: 'SIGTERM', unlink: 'SIGKILL' }],
    ['an old target', '-w -t "$target" "$image"', true, { fchmod: 'SIGINT', rename: 'SIGKILL' }],
  ] as const;

  describe.each(STEPS)('%s', (_, args, old, calls) => {
    test.each(Object.entries(calls))('as %s is called', async (call, short) => {
      for (const signal of shortOrLong<NodeJS.Signals[]>([short], [...SIGNALS, 'SIGKILL'])) {
        const image = await sampleImage();
        const { whole } = await undisturbed({ args, image, old });
        const inject = `/^${call}(at|at2)?$`;
        const under = `strace -f -qq -o "$tmp/../trace" -e 'trace=${inject}' -e 'inject=${inject}:signal=${signal}:when=1'`;
        const run = await startFaulty({ args, image, old, under });
        // It may be published before the signal has been heard; but then it is whole, and the process dies of the signal.
        expect((await outcomeOf(run, whole)).end).toBe(signal);
      }
    });
  });
});

describe('a signal while it waits', () => {
  const WAITS = [
    ['for the first byte of standard input', '-t "$target" -'],
    ['for a FIFO that nobody writes', '-t "$target" "$fifo"'],
    ['for the same, with standard output and error closed', '-t "$target" "$fifo" >&- 2>&-'],
    ['for a FIFO that nobody reads', '-t "$fifo" "$image"'],
    ['for the reader of a pipe', '-t - "$image"'],
  ] as const;

  test.each(WAITS)('%s (%s)', async (name, args) => {
    for (const signal of inTurn(SIGNALS)) {
      const fifo = join(await temporaryFolder(), 'fifo');
      execFileSync('mkfifo', [fifo]);
      const image = await sampleImage({ large: LARGE });
      const run = await startFaulty({ args: args.replace('$fifo', fifo), image, stdin: 'pipe' });
      if (name.includes('reader')) run.child.stdout?.pause();
      while (!(await hears('SIGHUP', run))) await sleep(5);
      await sleep(100);
      run.child.kill(signal);
      expect({ ...(await outcomeOf(run)), said: run.said() }).toEqual({
        end: signal,
        target: 'none',
        said: '',
      });
    }
  });

  test.each([
    ['INT', 130],
    ['TERM', 143],
    ['HUP', 129],
  ])('a shell sees of SIG%s the status %i', async (signal, status) => {
    const { code, stdout } = await runScript(
      `mkfifo "$1/fifo"
       "$DIMGX_NODE" "$DIMGX_BIN" -vv -t "$1/fifo" "$2" 2> "$1/log" & pid=$!
       until test -s "$1/log"; do sleep 0.02; done
       kill -$3 $pid; wait $pid; echo $?`,
      await temporaryFolder(),
      await sampleImage(),
      signal,
    );
    expect({ code, stdout: stdout.toString() }).toEqual({ code: 0, stdout: `${status}\n` });
  });
});

/** Whether the process has a handler of its own for the signal, by the kernel's word. */
async function hears(signal: NodeJS.Signals, { child }: FaultyRun): Promise<boolean> {
  const status = await readFile(`/proc/${child.pid}/status`, 'latin1');
  const caught = BigInt(`0x${/^SigCgt:\s*([0-9a-f]+)/m.exec(status)?.[1]}`);
  return ((caught >> BigInt(constants.signals[signal] - 1)) & 1n) === 1n;
}
