import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { lacks } from '../helpers/engines.js';
import { temporaryFolder } from '../helpers/members.js';
import { moments, WITH_MOMENTS } from '../helpers/moments.js';
import { inTurn, shortOrLong } from '../helpers/short-or-long.js';

vi.setConfig(WITH_MOMENTS);

const NEW = ['a', 'c'];
const OLD = ['b', 'd'];
const ALL = [...NEW, ...OLD].sort();
const LENGTH = 4 * 1024 * 1024;
const TEMPORARY = /^\.dimgx-[0-9a-f]{12}\.(part|old)$/;

/** Writes the outputs of a run together, and dies of a signal as the command line does. */
const PROGRAM = `
  const load = (name) => import('${process.cwd()}/build/' + name);
  const { withSignals } = await load('cli/with-signals.js');
  const { withDestinations } = await load('output/destinations.js');
  const { writeTogether } = await load('output/output-group.js');
  const [folder, length] = process.argv.slice(1);
  const names = ${JSON.stringify(ALL)};
  const outputs = names.map((name) => [name, { label: name, target: folder + '/' + name, options: { force: true } }]);
  const work = (signal) =>
    withDestinations(Object.fromEntries(outputs), { warn() {}, onLost() {} }, async (found) => {
      const destinations = Object.values(found);
      await writeTogether(destinations, { signal }, async (group) => {
        const records = destinations.map((destination) => group.recordInto(destination));
        for (let left = +length; left > 0; left -= 4096) {
          for (const record of records) await record.append('n'.repeat(Math.min(left, 4096)));
        }
      });
    });
  process.stdout.write('begun');
  await withSignals(work).catch(({ code, message }) => {
    console.error(code + ': ' + message);
    process.exitCode = 2;
  });`;

interface Run {
  readonly child: ChildProcess;
  readonly folder: string;
  readonly inodes: readonly number[];
  readonly ended: Promise<string | number | null>;
  readonly said: () => string;
}

/** Starts a run in a folder with the old files. @param strace options of strace, which then runs the program */
async function start(length: number, strace: readonly string[] = []): Promise<Run> {
  const parent = await temporaryFolder();
  const folder = join(parent, 'out');
  await mkdir(folder);
  for (const name of OLD) {
    await writeFile(join(folder, name), `old ${name}`);
    await chmod(join(folder, name), 0o640);
  }
  const inodes = await inodesOf(folder);
  const under = strace.length > 0 ? ['strace', '-f', '-qq', '-o', join(parent, 'trace'), ...strace] : [];
  const [command, ...args] = [...under, process.execPath, '--input-type=module', '-e', PROGRAM, folder, `${length}`];
  const child = spawn(command as string, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let stderr = '';
  child.stderr?.on('data', (piece: Buffer) => {
    stderr += piece;
  });
  const ended = new Promise<string | number | null>((resolve) =>
    child.on('close', (code, signal) => resolve(signal ?? code)),
  );
  return { child, folder, inodes, ended, said: () => stderr };
}

async function inodesOf(folder: string): Promise<readonly number[]> {
  return Promise.all(OLD.map(async (name) => (await stat(join(folder, name))).ino));
}

/** Waits for the end of a run, which must have left all of its files, or none and the old ones as they were. */
async function outcomeOf({ folder, inodes, ended }: Run, length: number) {
  const end = await ended;
  const names = (await readdir(folder)).sort();
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'latin1')));
  if (names.length === OLD.length) {
    expect({ names, texts }).toEqual({ names: OLD, texts: OLD.map((name) => `old ${name}`) });
    expect(await inodesOf(folder)).toEqual(inodes);
  } else {
    expect(names).toEqual(ALL);
    expect(texts.every((text) => text === 'n'.repeat(length))).toBe(true);
  }
  for (const name of OLD) expect((await stat(join(folder, name))).mode & 0o7777).toBe(0o640);
  return { end, files: names.length === OLD.length ? 'none' : 'all' };
}

/** Options of strace for something that happens to a system call, at its first, second, … time. */
function inject(call: string, what: string, when: string): readonly string[] {
  const calls = `/^${call}(at|at2)?$`;
  return ['-e', `trace=${calls}`, '-e', `inject=${calls}:${what}:when=${when}`];
}

/** The calls that put the files in place, each by how often it has been called: a and c are linked, b is kept. */
const CALLS = [
  ['link', 1],
  ['unlink', 1],
  ['link', 2],
  ['rename', 1],
  ['link', 3],
  ['unlink', 2],
  ['rename', 2],
] as const;
/** The old file that was kept is removed. */
const LAST = ['unlink', 3] as const;

describe.skipIf(lacks('strace'))('while several files get their names (needs strace)', () => {
  describe.each(CALLS)('%s number %i', (call, time) => {
    test('that fails leaves everything as it was', async () => {
      for (const [error, code] of inTurn([
        ['EIO', 'UNWRITABLE'],
        ['ENOSPC', 'NO_SPACE'],
      ])) {
        const run = await start(10, inject(call, `error=${error}`, `${time}`));
        expect(await outcomeOf(run, 10)).toEqual({ end: 2, files: 'none' });
        expect(run.said()).toMatch(new RegExp(`^DIMGX_TARGET_${code}: .*/out/[abcd]".*\n$`));
      }
    });
  });

  describe.each([...CALLS, LAST])('%s number %i', (call, time) => {
    test('meets a signal: the files get their names all the same', async () => {
      for (const signal of inTurn(['SIGINT', 'SIGTERM', 'SIGHUP'])) {
        const run = await start(10, inject(call, `signal=${signal}`, `${time}`));
        expect({ ...(await outcomeOf(run, 10)), said: run.said() }).toEqual({ end: signal, files: 'all', said: '' });
      }
    });

    test('meets SIGKILL: no file is half-written, and no old contents are lost', async () => {
      const { folder, ended } = await start(10, inject(call, 'signal=SIGKILL', `${time}`));
      expect(await ended).toBe('SIGKILL');
      const names = await readdir(folder);
      const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'latin1')));
      for (const [i, name] of names.entries()) {
        expect(TEMPORARY.test(name) || ALL.includes(name)).toBe(true);
        expect(['n'.repeat(10), 'old b', 'old d']).toContain(texts[i]);
      }
      const isPublished = texts[names.indexOf('d')] === 'n'.repeat(10);
      if (!isPublished) expect(texts).toEqual(expect.arrayContaining(['old b', 'old d']));
    });
  });

  test('an old file that was kept and cannot be removed stays, and the run is done', async () => {
    const { folder, ended } = await start(10, inject(LAST[0], 'error=EIO', `${LAST[1]}`));
    expect(await ended).toBe(0);
    const [kept, ...names] = (await readdir(folder)).sort();
    expect(names).toEqual(ALL);
    expect(await readFile(join(folder, kept as string), 'utf8')).toBe('old b');
  });

  test('an old file that cannot be put back is named, with the place of its contents', async () => {
    const { folder, ended, said } = await start(10, inject('rename', 'error=EIO', '2+'));
    expect(await ended).toBe(2);
    const told =
      /^DIMGX_TARGET_UNWRITABLE: "(.*\/b)" cannot be put back \(EIO: .*\): its old contents are in "(.*)"\n$/;
    const [, path, kept] = told.exec(said()) ?? [];
    expect(path).toBe(join(folder, 'b'));
    expect(await readFile(kept as string, 'utf8')).toBe('old b');
  });

  test('a new file that cannot be taken back is named', async () => {
    const { folder, ended, said } = await start(10, [
      ...inject('link', 'error=EIO', '2'),
      ...inject('unlink', 'error=EIO', '2').slice(2),
      '-e',
      'trace=/^(link|unlink)(at)?$',
    ]);
    expect(await ended).toBe(2);
    expect(said()).toMatch(
      /^DIMGX_TARGET_UNWRITABLE: ".*\/a" cannot be removed \(EIO: .*\): other files .* missing\n$/,
    );
    expect((await readdir(folder)).sort()).toEqual(['a', ...OLD]);
  });
});

describe.skipIf(lacks('strace'))('on a file system without hard links (needs strace)', () => {
  const NO_LINKS = ['-e', 'inject=/^link(at)?$:error=EPERM:when=1+'];
  const renameFails = (when: number) => [
    '-e',
    'trace=/^(link|rename)(at|at2)?$',
    ...NO_LINKS,
    ...inject('rename', 'error=EIO', `${when}`).slice(2),
  ];

  test('all files get their names', async () => {
    const run = await start(10, ['-e', 'trace=/^link(at)?$', ...NO_LINKS]);
    expect(await outcomeOf(run, 10)).toEqual({ end: 0, files: 'all' });
  });

  // a, then b is kept, b, c, d
  test.each([1, 2, 3, 4, 5])('rename number %i that fails leaves everything as it was', async (time) => {
    const run = await start(10, renameFails(time));
    expect(await outcomeOf(run, 10)).toEqual({ end: 2, files: 'none' });
  });
});

describe('signals at any moment leave all files or none', () => {
  test.each(shortOrLong([2], [1, 2]))('%i of them', async (signals) => {
    let length = Number.POSITIVE_INFINITY;
    /** Starts a run that writes. If it comes to its end, it tells how long the next one may take. */
    const startWriting = async () => {
      const run = await start(LENGTH);
      await new Promise((resolve) => run.child.stdout?.once('data', resolve));
      const begun = performance.now();
      void run.ended.then((end) => {
        if (end === 0) length = Math.min(length, performance.now() - begun);
      });
      return run;
    };
    expect(await outcomeOf(await startWriting(), LENGTH)).toEqual({ end: 0, files: 'all' });
    let killed = 0;
    for (const [at, part] of moments(1, shortOrLong(4, 20)).entries()) {
      const run = await startWriting();
      await sleep(part * length);
      run.child.kill('SIGTERM');
      if (at % 2 === 1) await sleep(at % 5);
      if (signals === 2) run.child.kill('SIGINT');
      const { end } = await outcomeOf(run, LENGTH);
      if (end !== 0) killed++;
    }
    expect(killed).toBeGreaterThan(0);
  });
});
