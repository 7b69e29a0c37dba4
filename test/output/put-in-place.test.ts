import { execFileSync } from 'node:child_process';
import { chmod, link, mkdir, readdir, readFile, rm, rmdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type FileSink, openFileSink } from '#dimgx/output/file-sink.js';
import { putInPlace } from '#dimgx/output/put-in-place.js';
import { temporaryFolder } from '../helpers/members.js';
import { cannotMount } from '../helpers/mounts.js';

const NAMES = ['a', 'b', 'c'] as const;
type Name = (typeof NAMES)[number];

/** Which of the names have an old file before the run, which may be overwritten. */
const STACKS: readonly (readonly [string, readonly Name[]])[] = [
  ['new files', []],
  ['old files', ['a', 'b', 'c']],
  ['an old file between new ones', ['b']],
  ['a new file between old ones', ['a', 'c']],
];

/** Files that are complete, and wait for their names. What the test does not put in place is discarded at its end. */
async function complete(folder: string, force: boolean): Promise<readonly FileSink[]> {
  const sinks: FileSink[] = [];
  for (const name of NAMES) {
    const sink = await openFileSink(join(folder, name), force);
    onTestFinished(() => sink.discard());
    await sink.write(Buffer.from(`new ${name}`));
    await sink.end();
    sinks.push(sink);
  }
  return sinks;
}

async function writeOld(folder: string, names: readonly Name[]): Promise<void> {
  for (const name of names) {
    await writeFile(join(folder, name), `old ${name}`);
    await chmod(join(folder, name), 0o4751);
  }
}

/** Contents, mode, inode and number of names of each file in a folder; what is not a file is told by its kind. */
async function stateOf(folder: string): Promise<unknown> {
  const files = (await readdir(folder)).map(async (name) => {
    const path = join(folder, name);
    const { mode, ino, nlink } = await stat(path);
    return [name, await readFile(path, 'utf8').catch(({ code }) => code), mode.toString(8), ino, nlink];
  });
  return Promise.all(files);
}

/** Tries to put the files in place. @returns the code of the error; afterwards everything is given back */
async function failureOf(sinks: readonly FileSink[]): Promise<unknown> {
  try {
    putInPlace(sinks.map(({ file }) => file));
  } catch (error) {
    await Promise.all(sinks.map((sink) => sink.discard()));
    return (error as { code: unknown }).code;
  }
  throw new Error('all files are in place');
}

describe.each(STACKS)('%s', (_, old) => {
  test('all get their names and the modes of the files they replace, and nothing else stays', async () => {
    const folder = await temporaryFolder();
    await writeOld(folder, old);
    putInPlace((await complete(folder, true)).map(({ file }) => file));
    expect(await readdir(folder)).toEqual(NAMES);
    for (const name of NAMES) {
      expect(await readFile(join(folder, name), 'utf8')).toBe(`new ${name}`);
      const mode = old.includes(name) ? 0o4751 : 0o666 & ~process.umask();
      expect((await stat(join(folder, name))).mode & 0o7777).toBe(mode);
    }
  });

  test.each(NAMES)('a folder takes the name "%s" meanwhile: everything else is as before', async (name) => {
    const folder = await temporaryFolder();
    await writeOld(folder, old);
    const sinks = await complete(folder, true);
    await rm(join(folder, name), { force: true });
    await mkdir(join(folder, name));
    const before = (await stateOf(folder)) as [string][];
    expect(await failureOf(sinks)).toBe('DIMGX_TARGET_UNWRITABLE');
    expect(await stateOf(folder)).toEqual(before.filter(([file]) => !file.endsWith('.part')));
  });
});

test.each(NAMES)('somebody else takes the name "%s" meanwhile: theirs stays alone', async (name) => {
  const folder = await temporaryFolder();
  const sinks = await complete(folder, false);
  await writeFile(join(folder, name), 'theirs');
  expect(await failureOf(sinks)).toBe('DIMGX_TARGET_EXISTS');
  expect(await readdir(folder)).toEqual([name]);
  expect(await readFile(join(folder, name), 'utf8')).toBe('theirs');
});

test.each(NAMES)('a symlink that leads nowhere takes the name "%s" meanwhile: it stays alone', async (name) => {
  const folder = await temporaryFolder();
  const sinks = await complete(folder, false);
  await symlink('nowhere', join(folder, name));
  expect(await failureOf(sinks)).toBe('DIMGX_TARGET_EXISTS');
  expect(await readdir(folder)).toEqual([name]);
});

test.each(NAMES)('the folder of "%s" goes away meanwhile: no other folder gets a file', async (name) => {
  const folder = await temporaryFolder();
  const sinks: FileSink[] = [];
  for (const each of NAMES) {
    await mkdir(join(folder, each));
    const sink = await openFileSink(join(folder, each, 'file'), false);
    await sink.end();
    sinks.push(sink);
  }
  await rm(join(folder, name), { recursive: true });
  expect(await failureOf(sinks)).toBe('DIMGX_TARGET_UNWRITABLE');
  const others = NAMES.filter((each) => each !== name);
  expect(await readdir(folder, { recursive: true })).toEqual(others);
});

test('an old file with other names keeps them, whether it is replaced or comes back', async () => {
  const folder = await temporaryFolder();
  await writeOld(folder, ['a']);
  await link(join(folder, 'a'), join(folder, 'other'));
  const sinks = await complete(folder, true);
  await mkdir(join(folder, 'c'));
  expect(await failureOf(sinks)).toBe('DIMGX_TARGET_UNWRITABLE');
  expect((await stat(join(folder, 'a'))).ino).toBe((await stat(join(folder, 'other'))).ino);
  await rmdir(join(folder, 'c'));
  putInPlace((await complete(folder, true)).map(({ file }) => file));
  expect(await readdir(folder)).toEqual(['a', 'b', 'c', 'other']);
  expect(await readFile(join(folder, 'other'), 'utf8')).toBe('old a');
  expect((await stat(join(folder, 'other'))).nlink).toBe(1);
});

test('two names that the file system takes for one are found out, and the old file is back', async () => {
  const folder = await temporaryFolder();
  await writeOld(folder, ['a']);
  await symlink('.', join(folder, 'same'));
  const sinks: FileSink[] = [];
  for (const path of [join(folder, 'a'), join(folder, 'same', 'a')]) {
    const sink = await openFileSink(path, true);
    await sink.end();
    sinks.push(sink);
  }
  expect(await failureOf(sinks)).toBe('DIMGX_TARGET_SAME');
  expect(await readdir(folder)).toEqual(['a', 'same']);
  expect(await readFile(join(folder, 'a'), 'utf8')).toBe('old a');
});

describe.skipIf(cannotMount())('each file in a file system of its own (needs mount)', () => {
  /** @param room number of names that a file system in memory has; it takes one for its root, and one for each name */
  async function folders(room: Readonly<Record<Name, number>>): Promise<string> {
    const folder = await temporaryFolder();
    for (const name of NAMES) {
      const disk = join(folder, name);
      await mkdir(disk);
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=1m,nr_inodes=${1 + room[name]}`, 'dimgx-test', disk]);
      onTestFinished(() => void execFileSync('umount', ['-l', disk]));
    }
    return folder;
  }

  async function completeIn(folder: string): Promise<readonly FileSink[]> {
    const sinks: FileSink[] = [];
    for (const name of NAMES) {
      const sink = await openFileSink(join(folder, name, 'file'), true);
      onTestFinished(() => sink.discard());
      await sink.end();
      sinks.push(sink);
    }
    return sinks;
  }

  test.each(NAMES)('a new file whose name has no room in "%s": none gets its name', async (name) => {
    const folder = await folders({ a: 9, b: 9, c: 9, [name]: 1 });
    expect(await failureOf(await completeIn(folder))).toBe('DIMGX_TARGET_NO_SPACE');
    for (const each of NAMES) expect(await readdir(join(folder, each))).toEqual([]);
  });

  test.each(['a', 'b'] as const)('an old file that cannot be kept in "%s": all are as before', async (name) => {
    const folder = await folders({ a: 9, b: 9, c: 9, [name]: 2 });
    for (const each of NAMES) await writeFile(join(folder, each, 'file'), `old ${each}`);
    const state = () => Promise.all(NAMES.map((each) => stateOf(join(folder, each))));
    const before = await state();
    expect(await failureOf(await completeIn(folder))).toBe('DIMGX_TARGET_NO_SPACE');
    expect(await state()).toEqual(before);
  });

  test('the last old file needs no room to be kept', async () => {
    const folder = await folders({ a: 3, b: 3, c: 2 });
    for (const each of NAMES) await writeFile(join(folder, each, 'file'), `old ${each}`);
    putInPlace((await completeIn(folder)).map(({ file }) => file));
    for (const each of NAMES) {
      expect(await readdir(join(folder, each))).toEqual(['file']);
      expect(await readFile(join(folder, each, 'file'), 'utf8')).toBe('');
    }
  });
});
