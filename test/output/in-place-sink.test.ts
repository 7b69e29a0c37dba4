import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:fs';
import { open, readdir, readFile, stat } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { flatten } from '#dimgx/flatten.js';
import { lacks } from '../helpers/engines.js';
import { temporaryFolder } from '../helpers/members.js';
import { startDimgx } from '../helpers/run-dimgx.js';
import { runScript } from '../helpers/run-script.js';
import { sampleImage } from '../helpers/sample-image.js';
import { shortOrLong } from '../helpers/short-or-long.js';

const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const LARGE = 3 * 1024 * 1024;

async function fifo(): Promise<string> {
  const path = `${await temporaryFolder()}/fifo`;
  execFileSync('mkfifo', [path]);
  return path;
}

/** A reader of a FIFO that takes nothing until it is told to; gone when the test is over. */
function lateReader(path: string) {
  const reader = spawn('cat', [path], { stdio: ['ignore', 'pipe', 'ignore'] });
  onTestFinished(() => void reader.kill('SIGKILL'));
  return reader;
}

/** Opens a FIFO for reading without waiting for a writer, and reads nothing. */
async function stuckReader(path: string) {
  const reader = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  onTestFinished(() => reader.close());
  return reader;
}

/** Waits, no longer than the test may take. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(10);
}

async function expectedTar(archive: string): Promise<Buffer> {
  const path = `${await temporaryFolder()}/expected.tar`;
  await flatten(archive, path);
  return readFile(path);
}

describe('devices', () => {
  test('/dev/null is written, and stays what it is', async () => {
    const { bytes } = await flatten(await sampleImage(), '/dev/null');
    expect(bytes).toBeGreaterThan(0);
    expect((await stat('/dev/null')).isCharacterDevice()).toBe(true);
  });

  test('a full device is an error that says so', async () => {
    const { code, stderr } = await runScript('dimgx -t /dev/full "$1"', await sampleImage());
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr:
        'dimgx: DIMGX_TARGET_NO_SPACE: there is no space left to write "/dev/full": free some, or choose another place\n',
    });
  });
});

test('standard output without space is named without quotes', async () => {
  const { code, stderr } = await runScript('dimgx -t - "$1" > /dev/full', await sampleImage());
  expect(code).toBe(2);
  expect(stderr).toMatch(/^dimgx: DIMGX_TARGET_NO_SPACE: there is no space left to write standard output: /);
});

describe('a FIFO', () => {
  test('waits for a reader that comes late', async () => {
    const [path, archive] = [await fifo(), await sampleImage({ large: LARGE })];
    const done = flatten(archive, path);
    await sleep(100);
    const read = buffer(lateReader(path).stdout);
    await done;
    expect((await read).equals(await expectedTar(archive))).toBe(true);
    expect((await stat(path)).isFIFO()).toBe(true);
  });

  test('is not asked to be overwritten', async () => {
    const path = await fifo();
    const read = buffer(lateReader(path).stdout);
    await flatten(await sampleImage(), path, { compression: 'gzip' });
    expect((await read).subarray(0, 2)).toEqual(Buffer.of(0x1f, 0x8b));
  });

  test('whose reader goes away ends the work', async () => {
    const path = await fifo();
    const reader = lateReader(path);
    const done = flatten(await sampleImage({ large: LARGE }), path);
    once(reader.stdout, 'data').then(() => reader.kill('SIGKILL'));
    await expect(done).rejects.toMatchObject({ code: 'DIMGX_TARGET_CLOSED' });
  });

  test('whose reader never comes can be cancelled', async () => {
    const controller = new AbortController();
    const done = flatten(await sampleImage(), await fifo(), { signal: controller.signal });
    setTimeout(() => controller.abort(), 100);
    await expect(done).rejects.toMatchObject({ code: 'DIMGX_ABORTED' });
  });

  test('whose reader stands still can be cancelled', async () => {
    const path = await fifo();
    const reader = await stuckReader(path);
    const controller = new AbortController();
    const done = flatten(await sampleImage({ large: LARGE }), path, { signal: controller.signal });
    setTimeout(() => controller.abort(), 300);
    await expect(done).rejects.toMatchObject({ code: 'DIMGX_ABORTED' });
    // What the operating system has been given is still its own, and waits for the reader: let it end.
    for (let got = 1; got > 0; )
      got = (await reader.read(Buffer.alloc(65536)).catch(() => ({ bytesRead: 1 }))).bytesRead;
  });

  test.each(shortOrLong(SIGNALS.slice(0, 1), SIGNALS))('without a reader lets %s end the process', async (signal) => {
    const { process: child, ended } = startDimgx('-vv', '-t', await fifo(), await sampleImage());
    await once(child.stderr, 'data');
    child.kill(signal);
    expect(await ended).toMatchObject({ code: null, signal });
  });

  test.each(shortOrLong(SIGNALS.slice(1), SIGNALS))('whose reader stands still lets %s end it', async (signal) => {
    const path = await fifo();
    const reader = await stuckReader(path);
    const { process: child, ended } = startDimgx('-t', path, await sampleImage({ large: LARGE }));
    await until(async () => (await reader.read(Buffer.alloc(1)).catch(() => ({ bytesRead: 0 }))).bytesRead > 0);
    child.kill(signal);
    expect(await ended).toEqual({ code: null, signal, stdout: '', stderr: '' });
  });
});

describe('names of open descriptors', () => {
  test.each(['/dev/stdout', '/dev/fd/1', '/proc/self/fd/1'])('%s is standard output: a pipe', async (target) => {
    const archive = await sampleImage({ large: LARGE });
    const { code, stdout, stderr } = await runScript('dimgx -t "$1" "$2" | cat; exit $PIPESTATUS', target, archive);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.equals(await expectedTar(archive))).toBe(true);
  });

  test('/dev/stdout is standard output: a socket', async () => {
    const archive = await sampleImage({ large: LARGE });
    // Node gives its children sockets.
    const child = spawn(process.execPath, ['bin/dimgx.js', '-t', '/dev/stdout', archive]);
    expect((await buffer(child.stdout)).equals(await expectedTar(archive))).toBe(true);
  });

  test('/dev/stdout of a file is appended to what stands there, and nothing is made beside it', async () => {
    const [folder, archive] = [await temporaryFolder(), await sampleImage()];
    const { code } = await runScript(
      '{ echo before; dimgx -t /dev/stdout "$2"; echo after; } > "$1/out"',
      folder,
      archive,
    );
    expect(code).toBe(0);
    const expected = [Buffer.from('before\n'), await expectedTar(archive), Buffer.from('after\n')];
    expect((await readFile(`${folder}/out`)).equals(Buffer.concat(expected))).toBe(true);
    expect(await readdir(folder)).toEqual(['out']);
  });

  test('/dev/fd/N is any other', async () => {
    const [folder, archive] = [await temporaryFolder(), await sampleImage()];
    const { code, stdout } = await runScript('dimgx -t /dev/fd/9 "$2" 9>"$1/out"', folder, archive);
    expect({ code, stdout: stdout.length }).toEqual({ code: 0, stdout: 0 });
    expect((await readFile(`${folder}/out`)).equals(await expectedTar(archive))).toBe(true);
  });

  test('one that is open for reading only is refused', async () => {
    const { code, stderr } = await runScript('dimgx -t /dev/fd/9 "$1" 9</dev/null', await sampleImage());
    expect(code).toBe(2);
    expect(stderr).toMatch(/^dimgx: DIMGX_TARGET_UNWRITABLE: "\/dev\/fd\/9" cannot be written \(EBADF: .*\n$/);
  });
});

describe.skipIf(lacks('script'))('a terminal (needs script)', () => {
  // util-linux's `script` gives its command a terminal on all three descriptors, and passes on how it ended.
  const onTerminal = (command: string, archive: string) =>
    runScript(
      'ARCHIVE="$1" script -qec "$2" /dev/null < /dev/null',
      archive,
      command.replaceAll('dimgx', '"$DIMGX_NODE" "$DIMGX_BIN"'),
    );

  test.each(['-', '/dev/stdout', '/dev/fd/1', '/dev/tty', '$(tty)'])('is refused as the target %s', async (target) => {
    const { code, stdout } = await onTerminal(`dimgx -t ${target} "$ARCHIVE"`, await sampleImage());
    expect(code).toBe(1);
    expect(stdout.toString()).toMatch(
      /^dimgx: DIMGX_TARGET_TERMINAL: .* is a terminal; redirect it, or name a file with --target \(-t\)\r\n$/,
    );
  });

  test('is refused as the source', async () => {
    const { code, stdout } = await onTerminal('dimgx -t /dev/null -', await sampleImage());
    expect(code).toBe(1);
    expect(stdout.toString()).toMatch(/^dimgx: DIMGX_SOURCE_TERMINAL: .*pipe an archive in.*\r\n$/);
  });

  test('as standard error and input disturbs nothing', async () => {
    const archive = await sampleImage();
    const { code, stdout } = await onTerminal('dimgx -t - "$ARCHIVE" | tar t', archive);
    expect(code).toBe(0);
    expect(stdout.toString()).toBe('etc/\r\netc/hello\r\netc/new\r\n');
  });
});
