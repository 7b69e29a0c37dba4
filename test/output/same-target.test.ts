import { execFileSync } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { link, mkdir, open, symlink, writeFile } from 'node:fs/promises';
import { PassThrough, type Writable } from 'node:stream';
import { describe, expect, onTestFinished, test } from 'vitest';
import { withDestinations } from '#dimgx/output/destinations.js';
import { lacks } from '../helpers/engines.js';
import { temporaryFolder } from '../helpers/members.js';
import { cannotMount, smallDisk } from '../helpers/mounts.js';
import { runScript } from '../helpers/run-script.js';

type Target = string | Writable;

/** What becomes of a run with these targets: `fine`, or the error. All may overwrite. */
async function checked(...targets: readonly Target[]): Promise<string> {
  const labels = ['--target', '--mtree', '--bodyfile'];
  const options = { force: true, compression: 'none' } as const;
  const outputs = targets.map((target, i) => [labels[i], { label: labels[i] as string, target, options }]);
  const ignore = { warn: () => undefined, onLost: () => undefined };
  return withDestinations(Object.fromEntries(outputs), ignore, async () => 'fine').catch(
    ({ code, message }) => `${code}: ${message}`,
  );
}

/** A folder that has a file, a folder, a FIFO, and links to each of them and to a name that is missing. */
async function folderOfLinks(): Promise<string> {
  const folder = await temporaryFolder();
  await writeFile(`${folder}/old`, 'old');
  await link(`${folder}/old`, `${folder}/hard`);
  await mkdir(`${folder}/sub`);
  await symlink('sub', `${folder}/shortcut`);
  await symlink('old', `${folder}/to-old`);
  await symlink('shortcut/../new', `${folder}/to-new`);
  execFileSync('mkfifo', [`${folder}/fifo`]);
  await symlink('fifo', `${folder}/to-fifo`);
  return folder;
}

/** An open file of this process, by the path that names its descriptor. */
async function descriptorOf(path: string): Promise<string> {
  const file = await open(path, 'a');
  onTestFinished(() => file.close());
  return `/dev/fd/${file.fd}`;
}

describe('two outputs are the same', () => {
  test.each([
    ['by the same path', 'new', 'new'],
    ['by a path with dots', 'new', 'sub/.././new'],
    ['by a path with more slashes', 'new', './/new'],
    ['by a symlinked folder', 'sub/new', 'shortcut/new'],
    ['by a symlink to a name that is missing', 'new', 'to-new'],
    ['by a symlink to a file', 'to-old', 'old'],
    ['by the same symlink', 'to-new', 'to-new'],
    ['by a hard link', 'old', 'hard'],
    ['by a symlink to a hard link', 'hard', 'to-old'],
    ['as a FIFO', 'fifo', 'fifo'],
    ['as a FIFO behind a symlink', 'to-fifo', 'fifo'],
  ])('%s: %s and %s', async (_, first, second) => {
    const folder = await folderOfLinks();
    const [a, b] = [`${folder}/${first}`, `${folder}/${second}`];
    const place = a === b ? `"${a}"` : `the same place, "${a}" and "${b}"`;
    const message = `--target and --mtree both write to ${place}: choose another place for one of them`;
    expect(await checked(a, b)).toBe(`DIMGX_TARGET_SAME: ${message}`);
  });

  test('relative to the working directory', async () => {
    expect(await checked('no-such-file', `${process.cwd()}/no-such-file`)).toMatch(/^DIMGX_TARGET_SAME: /);
  });

  test('as the same descriptor', async () => {
    const descriptor = await descriptorOf(`${await folderOfLinks()}/old`);
    expect(await checked(descriptor, descriptor.replace('/dev/', '/proc/self/'))).toMatch(/^DIMGX_TARGET_SAME: /);
  });

  test('as the same descriptor of a device that may be given twice by its path', async () => {
    const descriptor = await descriptorOf('/dev/null');
    expect(await checked(descriptor, descriptor)).toMatch(/^DIMGX_TARGET_SAME: /);
  });

  test('as two descriptors of one file', async () => {
    const folder = await folderOfLinks();
    const [a, b] = [await descriptorOf(`${folder}/old`), await descriptorOf(`${folder}/hard`)];
    expect(await checked(a, b)).toMatch(/^DIMGX_TARGET_SAME: /);
  });

  test('as a descriptor and the path of its file', async () => {
    const folder = await folderOfLinks();
    expect(await checked(await descriptorOf(`${folder}/old`), `${folder}/hard`)).toMatch(/^DIMGX_TARGET_SAME: /);
  });

  test('as the same stream', async () => {
    const stream = new PassThrough();
    const before = stream.listenerCount('finish');
    const message = '--target and --mtree both write to the stream: choose another place for one of them';
    expect(await checked(stream, stream)).toBe(`DIMGX_TARGET_SAME: ${message}`);
    expect(stream.listenerCount('finish')).toBe(before);
    expect(stream.destroyed).toBe(false);
  });

  test('as a stream and its file', async () => {
    const folder = await folderOfLinks();
    const stream = createWriteStream(`${folder}/old`);
    await new Promise((resolve) => stream.once('open', resolve));
    expect(await checked(stream, `${folder}/hard`)).toMatch(/^DIMGX_TARGET_SAME: /);
    stream.destroy();
  });

  test('as the second and the third of three', async () => {
    expect(await checked('/dev/null', 'no-such-file', './no-such-file')).toMatch(
      /^DIMGX_TARGET_SAME: --mtree and --bodyfile both write to the same place, "no-such-file" and ".\/no-such-file": /,
    );
  });

  test.skipIf(lacks('root', 'mknod'))('as two nodes of one block device (needs root and mknod)', async () => {
    const folder = await temporaryFolder();
    const nodes = ['a', 'b'].map((name) => `${folder}/${name}`);
    for (const node of nodes) execFileSync('mknod', [node, 'b', '7', '250']);
    expect(await checked(...nodes)).toMatch(/^DIMGX_TARGET_SAME: /);
  });

  test.skipIf(cannotMount())('as a new name in a folder that is mounted twice (needs mount)', async () => {
    const [first, folder] = [await smallDisk(65536), await temporaryFolder()];
    execFileSync('mount', ['--bind', first, folder]);
    onTestFinished(() => void execFileSync('umount', ['-l', folder]));
    expect(await checked(`${first}/new`, `${folder}/new`)).toMatch(/^DIMGX_TARGET_SAME: /);
    expect(await checked(`${first}/new`, `${folder}/other`)).toBe('fine');
  });
});

describe('standard output twice', () => {
  const PROGRAM = `
    const { withDestinations } = await import('${process.cwd()}/build/output/destinations.js');
    const [a, b] = process.argv.slice(1).map((target) => (target === 'stdout' ? process.stdout : target));
    const outputs = { a: { label: 'A', target: a, options: { force: true } }, b: { label: 'B', target: b, options: { force: true } } };
    await withDestinations(outputs, { warn() {}, onLost() {} }, async () => console.error('fine')).catch(
      ({ code, message, exitCode }) => console.error(exitCode, code, message),
    );`;
  const run = async (redirection: string, ...targets: string[]) => {
    const script = `cd "$1"; "$DIMGX_NODE" --input-type=module -e "$2" "\${@:3}" ${redirection}`;
    const { stderr } = await runScript(script, await temporaryFolder(), PROGRAM, ...targets);
    return stderr;
  };

  test.each([
    ['-', '-', 'standard output'],
    ['-', '/dev/stdout', 'the same place, standard output and "/dev/stdout"'],
    ['/dev/fd/1', '/dev/stdout', 'the same place, "/dev/fd/1" and "/dev/stdout"'],
    ['stdout', '-', 'the same place, the stream and standard output'],
  ])('by %s and %s is bad usage', async (a, b, place) => {
    const said = `1 DIMGX_TARGET_SAME A and B both write to ${place}: choose another place for one of them\n`;
    for (const redirection of ['| cat', '> out', '> /dev/null']) expect(await run(redirection, a, b)).toBe(said);
  });

  test('by the file that it is redirected to', async () => {
    expect(await run('> out', '-', 'out')).toMatch(/^1 DIMGX_TARGET_SAME A and B .* standard output and "out": /);
  });

  test('by another descriptor of the same pipe', async () => {
    expect(await run('3>&1 | cat', '-', '/dev/fd/3')).toMatch(/^1 DIMGX_TARGET_SAME /);
    expect(await run('3> out | cat', '-', '/dev/fd/3')).toBe('fine\n');
  });
});

describe('two outputs are not the same', () => {
  test('as a character device, which may be given several times', async () => {
    expect(await checked('/dev/null', '/dev/null', '/dev/full')).toBe('fine');
  });

  test('as two FIFOs, two streams, or a file and a stream', async () => {
    const folder = await folderOfLinks();
    execFileSync('mkfifo', [`${folder}/fifo2`]);
    expect(await checked(`${folder}/fifo`, `${folder}/fifo2`)).toBe('fine');
    expect(await checked(new PassThrough(), new PassThrough())).toBe('fine');
    expect(await checked(`${folder}/old`, new PassThrough())).toBe('fine');
  });

  test('as files of one folder, or of one name', async () => {
    const folder = await folderOfLinks();
    expect(await checked(`${folder}/new`, `${folder}/newer`, `${folder}/sub/new`)).toBe('fine');
    expect(await checked(`${folder}/new`, `${folder}/old`)).toBe('fine');
  });
});
