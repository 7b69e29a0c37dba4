import { execFileSync, spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { chmod, mkdir, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openExtraction } from '#dimgx/extract/extract-layers.js';
import { inspectLayers } from '#dimgx/inspect/inspect-layers.js';
import { mergeLayers } from '#dimgx/merge/merge-layers.js';
import { type Destination, findDestination } from '#dimgx/output/destination.js';
import { type OutputGroup, writeTogether } from '#dimgx/output/output-group.js';
import { flattenImage } from '../helpers/flatten-image.js';
import { temporaryFolder } from '../helpers/members.js';
import { cannotMount, smallDisk } from '../helpers/mounts.js';
import { opened } from '../helpers/opened.js';
import { noise, sampleImage } from '../helpers/sample-image.js';

const LARGE = noise(3 * 1024 * 1024).toString('latin1');

type Target = string | Writable;

function find(targets: readonly Target[], force = false): Promise<readonly Destination[]> {
  return Promise.all(targets.map((target) => findDestination(target, { force }, () => undefined)));
}

/** Appends a text to each output, one after the other. */
async function append(outputs: OutputGroup, destinations: readonly Destination[], text: string): Promise<void> {
  for (const destination of destinations) await outputs.recordInto(destination).append(text);
}

interface RecordOptions {
  readonly force?: boolean;
  readonly signal?: AbortSignal;
  readonly settle?: () => Promise<void>;
  readonly text?: string;
}

/** Writes one text to all targets, together. */
async function writeRecords(targets: readonly Target[], { force, text = LARGE, ...options }: RecordOptions = {}) {
  const destinations = await find(targets, force);
  await writeTogether(destinations, options, (outputs) => append(outputs, destinations, text));
}

async function fifo(): Promise<string> {
  const path = join(await temporaryFolder(), 'fifo');
  execFileSync('mkfifo', [path]);
  return path;
}

/** Opens a FIFO for reading without waiting for a writer, and reads nothing. */
async function stuckReader(path: string): Promise<void> {
  const reader = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  onTestFinished(() => reader.close());
}

/** A folder with an old file, and what must be in it whenever a run fails. */
async function folderWithOld() {
  const folder = await temporaryFolder();
  const path = join(folder, 'old');
  await writeFile(path, 'old');
  await chmod(path, 0o640);
  const { ino } = await stat(path);
  const expectUnchanged = async () => {
    expect(await readdir(folder)).toEqual(['old']);
    expect(await readFile(path, 'utf8')).toBe('old');
    const { mode, ino: now, nlink } = await stat(path);
    expect({ mode: mode & 0o7777, ino: now, nlink }).toEqual({ mode: 0o640, ino, nlink: 1 });
  };
  return { folder, targets: ['new', 'old', 'newer'].map((name) => join(folder, name)), expectUnchanged };
}

describe('a run that goes well', () => {
  test('writes several tars, each compressed as its destination says, and records', async () => {
    const archive = await sampleImage({ large: 5 * 1024 * 1024 });
    const folder = await temporaryFolder();
    const destinations = await find(['a.tar', 'b.tar.gz', 'record'].map((name) => join(folder, name)));
    const [plain, packed, record] = destinations as [Destination, Destination, Destination];
    const plan = mergeLayers(await inspectLayers(await opened(archive)));
    const done: number[] = [];
    const bytes = await writeTogether(destinations, {}, async (outputs) => {
      const text = outputs.recordInto(record);
      await text.append('one\n');
      const first = await outputs.tarInto(plain, openExtraction(plan, {}).assembler, (more) => done.push(more));
      await text.append('two\n');
      return [first, await outputs.tarInto(packed, openExtraction(plan, {}).assembler, () => undefined)];
    });
    expect(await readdir(folder)).toEqual(['a.tar', 'b.tar.gz', 'record']);
    const { tar } = await flattenImage(archive);
    expect((await readFile(plain.name)).equals(tar)).toBe(true);
    expect(gunzipSync(await readFile(packed.name)).equals(tar)).toBe(true);
    expect(await readFile(record.name, 'utf8')).toBe('one\ntwo\n');
    expect(bytes).toEqual([tar.length, (await stat(packed.name)).size]);
    expect([done.reduce((sum, more) => sum + more), done.at(-1)]).toEqual([tar.length, 0]);
  });

  test('gives no file its name before all is written and settled', async () => {
    const { folder, targets } = await folderWithOld();
    let settled: readonly string[] = [];
    const settle = async () => {
      settled = await readdir(folder);
      expect(await readFile(join(folder, 'old'), 'utf8')).toBe('old');
    };
    await writeRecords(targets, { force: true, settle });
    expect(settled.filter((name) => !name.endsWith('.part'))).toEqual(['old']);
    expect(settled.length).toBe(4);
    expect((await readdir(folder)).sort()).toEqual(['new', 'newer', 'old']);
    for (const path of targets) expect((await readFile(path, 'latin1')) === LARGE).toBe(true);
    expect((await stat(join(folder, 'old'))).mode & 0o7777).toBe(0o640);
  });

  test('ends streams, FIFOs and devices before files get their names', async () => {
    const { folder, targets } = await folderWithOld();
    const [path, names] = [await fifo(), [] as string[]];
    const read = buffer(spawn('cat', [path], { stdio: ['ignore', 'pipe', 'ignore'] }).stdout);
    const stream = new Writable({
      write: (_piece, _encoding, done) => done(),
      final(done) {
        readdir(folder).then((found) => done(void names.push(...found)), done);
      },
    });
    await writeRecords([...targets, path, stream, '/dev/null', '/dev/null'], { force: true });
    expect((await read).toString('latin1') === LARGE).toBe(true);
    expect(stream.writableFinished).toBe(true);
    expect(names.filter((name) => !name.endsWith('.part'))).toEqual(['old']);
    expect((await readdir(folder)).sort()).toEqual(['new', 'newer', 'old']);
  });

  test('opens FIFOs in whatever order their readers come', async () => {
    const [a, b] = [await fifo(), await fifo()];
    const script = 'exec 3< "$2"; exec 4< "$1"; cat <&4; cat <&3';
    const { stdout } = spawn('bash', ['-c', script, 'bash', a, b], { stdio: ['ignore', 'pipe', 'ignore'] });
    const read = buffer(stdout);
    await writeRecords([a, b], { text: 'text\n' });
    expect((await read).toString()).toBe('text\ntext\n');
  });

  test('keeps no descriptor and no listener', async () => {
    const { targets } = await folderWithOld();
    const { signal } = new AbortController();
    await writeRecords(targets, { force: true, signal });
    const held = () => readdir('/proc/self/fd').then((all) => all.length);
    const before = await held();
    for (let i = 0; i < 5; i++) await writeRecords(targets, { force: true, signal });
    expect(await held()).toBe(before);
  });
});

describe('a run that fails leaves everything as it was', () => {
  test('when the work fails, with its own error', async () => {
    const { targets, expectUnchanged } = await folderWithOld();
    const destinations = await find(targets, true);
    const failure = writeTogether(destinations, {}, async (outputs) => {
      await append(outputs, destinations, LARGE);
      throw new Error('mine');
    });
    await expect(failure).rejects.toThrow('mine');
    await expectUnchanged();
  });

  test('when writes are still under way, which nobody awaits', async () => {
    const { targets, expectUnchanged } = await folderWithOld();
    const destinations = await find(targets, true);
    const failure = writeTogether(destinations, {}, async (outputs) => {
      for (const destination of destinations) outputs.recordInto(destination).append(LARGE.slice(0, 300_000));
      throw new Error('mine');
    });
    await expect(failure).rejects.toThrow('mine');
    await expectUnchanged();
  });

  test('when it does not settle', async () => {
    const { targets, expectUnchanged } = await folderWithOld();
    const settle = () => Promise.reject(new Error('unsettled'));
    await expect(writeRecords(targets, { force: true, settle })).rejects.toThrow('unsettled');
    await expectUnchanged();
  });

  test.each([0, 1, 2])('when a folder takes the name of output %i while it is written', async (taken) => {
    const { folder, targets, expectUnchanged } = await folderWithOld();
    const inFolder = targets.map((path, i) => (i === taken ? join(folder, 'sub', 'file') : path));
    await mkdir(join(folder, 'sub'));
    const settle = () => mkdir(join(folder, 'sub', 'file'));
    const failure = writeRecords(inFolder, { force: true, settle });
    await expect(failure).rejects.toMatchObject({ code: 'DIMGX_TARGET_UNWRITABLE' });
    expect(await readdir(join(folder, 'sub'))).toEqual(['file']);
    await rm(join(folder, 'sub'), { recursive: true });
    await expectUnchanged();
  });

  test('when another file cannot be opened', async () => {
    const { folder, targets, expectUnchanged } = await folderWithOld();
    await mkdir(join(folder, 'sub'));
    const destinations = await find([...targets, join(folder, 'sub', 'file')], true);
    await rm(join(folder, 'sub'), { recursive: true });
    const failure = writeTogether(destinations, {}, async () => 'done');
    await expect(failure).rejects.toMatchObject({ code: 'DIMGX_TARGET_UNWRITABLE' });
    await expectUnchanged();
  });

  test('when another file cannot be opened, while a FIFO waits for its reader', async () => {
    const { folder, targets, expectUnchanged } = await folderWithOld();
    await mkdir(join(folder, 'sub'));
    const destinations = await find([await fifo(), ...targets, join(folder, 'sub', 'file')], true);
    await rm(join(folder, 'sub'), { recursive: true });
    const failure = writeTogether(destinations, {}, async () => 'done');
    await expect(failure).rejects.toMatchObject({ code: 'DIMGX_TARGET_UNWRITABLE' });
    await expectUnchanged();
  });

  test('when a device is full', async () => {
    const { targets, expectUnchanged } = await folderWithOld();
    const failure = writeRecords([...targets, '/dev/full'], { force: true, text: 'short' });
    await expect(failure).rejects.toMatchObject({
      code: 'DIMGX_TARGET_NO_SPACE',
      message: expect.stringContaining('"/dev/full"'),
    });
    await expectUnchanged();
  });

  test('when a device is full, while the reader of a FIFO stands still', async () => {
    const { targets, expectUnchanged } = await folderWithOld();
    const path = await fifo();
    await stuckReader(path);
    const destinations = await find([...targets, path, '/dev/full'], true);
    const failure = writeTogether(destinations, {}, async (outputs) => {
      const [stuck, full] = destinations.slice(3).map((destination) => outputs.recordInto(destination));
      stuck?.append(LARGE.slice(0, 300_000));
      await full?.append(LARGE);
    });
    await expect(failure).rejects.toMatchObject({ code: 'DIMGX_TARGET_NO_SPACE' });
    await expectUnchanged();
  });

  test('when a stream cannot be ended; other streams are destroyed', async () => {
    const { targets, expectUnchanged } = await folderWithOld();
    const failing = new Writable({
      write: (_piece, _encoding, done) => done(),
      final: (done) => done(new Error('no end')),
    });
    const other = new PassThrough({ highWaterMark: 1 << 24 });
    other.on('error', () => undefined);
    failing.on('error', () => undefined);
    const failure = writeRecords([...targets, failing, other], { force: true });
    await expect(failure).rejects.toMatchObject({ code: 'DIMGX_TARGET_UNWRITABLE' });
    expect(other.destroyed).toBe(true);
    await expectUnchanged();
  });

  test.skipIf(cannotMount())('when the disk fills in the last page of the last record (needs mount)', async () => {
    const PAGE = 4096;
    const disk = await smallDisk(256 * PAGE);
    await writeFile(join(disk, 'old'), 'old'); // takes a page
    const destinations = await find(
      ['a', 'old', 'b'].map((name) => join(disk, name)),
      true,
    );
    const write = (last: number) =>
      writeTogether(destinations, {}, async (outputs) => {
        for (const [i, length] of [85 * PAGE, 85 * PAGE, last].entries()) {
          const record = outputs.recordInto(destinations[i] as Destination);
          await record.append(LARGE.slice(0, length));
          await record.end();
        }
      });
    await expect(write(85 * PAGE + 1)).rejects.toMatchObject({
      code: 'DIMGX_TARGET_NO_SPACE',
      message: `there is no space left to write "${disk}/b": free some, or choose another place`,
    });
    expect(await readdir(disk)).toEqual(['old']);
    expect(await readFile(join(disk, 'old'), 'utf8')).toBe('old');
    await write(85 * PAGE);
    expect((await readdir(disk)).sort()).toEqual(['a', 'b', 'old']);
  });
});

describe('a run that is cancelled leaves everything as it was', () => {
  /** Whether files of the run are there, under any name. */
  const isBegun = async (folder: string) => (await readdir(folder)).some((name) => name.endsWith('.part'));

  test('before it begins', async () => {
    const { targets, expectUnchanged } = await folderWithOld();
    const failure = writeRecords(targets, { force: true, signal: AbortSignal.abort() });
    await expect(failure).rejects.toMatchObject({ code: 'DIMGX_ABORTED' });
    await expectUnchanged();
  });

  test('while it writes: its files are gone at once', async () => {
    const { folder, targets, expectUnchanged } = await folderWithOld();
    const controller = new AbortController();
    const destinations = await find(targets, true);
    const failure = writeTogether(destinations, { signal: controller.signal }, async (outputs) => {
      await append(outputs, destinations, LARGE);
      expect(await isBegun(folder)).toBe(true);
      controller.abort();
      await expectUnchanged();
      await append(outputs, destinations, LARGE);
    });
    await expect(failure).rejects.toMatchObject({ code: 'DIMGX_ABORTED' });
    await expectUnchanged();
  });

  test('while a FIFO waits for its reader', async () => {
    const { folder, targets, expectUnchanged } = await folderWithOld();
    const controller = new AbortController();
    const failure = writeRecords([...targets, await fifo()], { force: true, signal: controller.signal });
    while (!(await isBegun(folder))) await sleep(5);
    controller.abort();
    await expect(failure).rejects.toMatchObject({ code: 'DIMGX_ABORTED' });
    await expectUnchanged();
  });

  test('while the reader of a FIFO stands still', async () => {
    const { targets, expectUnchanged } = await folderWithOld();
    const path = await fifo();
    await stuckReader(path);
    const controller = new AbortController();
    const failure = writeRecords([path, ...targets], { force: true, signal: controller.signal });
    setTimeout(() => controller.abort(), 50);
    await expect(failure).rejects.toMatchObject({ code: 'DIMGX_ABORTED' });
    await expectUnchanged();
  });

  test('as it settles, just before it is published', async () => {
    const { targets, expectUnchanged } = await folderWithOld();
    const controller = new AbortController();
    const settle = async () => controller.abort();
    const failure = writeRecords(targets, { force: true, signal: controller.signal, settle });
    await expect(failure).rejects.toMatchObject({ code: 'DIMGX_ABORTED' });
    await expectUnchanged();
  });

  test('while a stream takes its time to end, when all files are complete', async () => {
    const { targets, expectUnchanged } = await folderWithOld();
    const controller = new AbortController();
    const stream = new Writable({
      write: (_piece, _encoding, done) => done(),
      final: () => void setImmediate(() => controller.abort()),
    });
    const failure = writeRecords([...targets, stream], { force: true, signal: controller.signal });
    await expect(failure).rejects.toMatchObject({ code: 'DIMGX_ABORTED' });
    await expectUnchanged();
  });

  test('after it has been published, which changes nothing any more', async () => {
    const { folder, targets } = await folderWithOld();
    const controller = new AbortController();
    await writeRecords(targets, { force: true, signal: controller.signal });
    controller.abort();
    expect((await readdir(folder)).sort()).toEqual(['new', 'newer', 'old']);
  });
});
