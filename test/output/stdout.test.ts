import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { flatten } from '#dimgx/flatten.js';
import { lacks } from '../helpers/engines.js';
import { temporaryFolder } from '../helpers/members.js';
import { startDimgx } from '../helpers/run-dimgx.js';
import { runScript } from '../helpers/run-script.js';
import { damaged, sampleImage } from '../helpers/sample-image.js';
import { shortOrLong } from '../helpers/short-or-long.js';

const LARGE = 5 * 1024 * 1024;

async function expectedTar(archive: string): Promise<Buffer> {
  const path = `${await temporaryFolder()}/expected.tar`;
  await flatten(archive, path);
  return readFile(path);
}

test('a pipe into tar extracts without a word', async () => {
  const folder = await temporaryFolder();
  const archive = await sampleImage({ large: LARGE });
  const { code, stdout, stderr } = await runScript('set -o pipefail; dimgx -t - "$2" | tar xC "$1"', folder, archive);
  expect({ code, stdout: stdout.toString(), stderr }).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(await readdir(folder)).toEqual(['etc', 'large']);
  expect(await readdir(`${folder}/etc`)).toEqual(['hello', 'new']);
});

test.skipIf(lacks('bsdtar'))('bsdtar takes it, too (needs bsdtar)', async () => {
  const archive = await sampleImage();
  const { code, stdout, stderr } = await runScript('set -o pipefail; dimgx -t - "$1" | bsdtar tf -', archive);
  expect({ code, stdout: stdout.toString(), stderr }).toEqual({
    code: 0,
    stdout: 'etc/\netc/hello\netc/new\n',
    stderr: '',
  });
});

describe('a reader that takes one byte and goes ends it with 141 and without a word', () => {
  test.each([
    ['a tar', '-t - "$1"'],
    ['a compressed tar', '-z -t - "$1"'],
    ['a tar named by its device', '-t /dev/stdout "$1"'],
    ['a tar out of a pipe', '-t - - < <(cat "$1")'],
    ['a tar with a result', '--json -t - "$1"'],
  ])('%s', async (_, args) => {
    const archive = await sampleImage({ large: LARGE });
    const { stdout, stderr } = await runScript(`dimgx ${args} | head -c1 | wc -c; echo $PIPESTATUS`, archive);
    expect({ stdout: stdout.toString(), stderr }).toEqual({ stdout: '1\n141\n', stderr: '' });
  });

  test.each([
    ['a listing', '"$1"'],
    ['a listing of IDs', '-q "$1"'],
    ['a listing as JSON', '--json "$1"'],
    ['the help', '--help'],
    ['the version', '--version'],
  ])('%s', async (_, args) => {
    const archive = await sampleImage();
    // A pipe takes all of a short text: the reader must be gone before.
    const status = await runScript(`exec 3>&1; { sleep 0.3; dimgx ${args}; echo $? >&3; } | true`, archive);
    expect({ stdout: status.stdout.toString(), stderr: status.stderr }).toEqual({ stdout: '141\n', stderr: '' });
  });

  test('a socket that is closed with data still in it', async () => {
    const { process: child, ended } = startDimgx('-t', '-', await sampleImage({ large: LARGE }));
    await once(child.stdout, 'data');
    child.stdout.destroy();
    expect(await ended).toMatchObject({ code: 141, signal: null, stderr: '' });
  });
});

describe('a standard output that does not block', () => {
  // Whoever started the program may have set this on the pipe that it reads: here a shell's child does, in Python.
  const NON_BLOCKING = `import fcntl, os, subprocess, sys, time
r, w = os.pipe()
fcntl.fcntl(w, fcntl.F_SETFL, fcntl.fcntl(w, fcntl.F_GETFL) | os.O_NONBLOCK)
child = subprocess.Popen(sys.argv[1:], stdout=w)
os.close(w)
while True:
    piece = os.read(r, 65536)
    if not piece: break
    os.write(1, piece)
    time.sleep(0.001)
sys.exit(child.wait())`;

  test.skipIf(lacks('python3')).each([[[]], [['-z']]])('gets every byte from %o (needs python3)', async (args) => {
    const archive = await sampleImage({ large: LARGE });
    const child = spawn('python3', ['-c', NON_BLOCKING, process.execPath, 'bin/dimgx.js', ...args, '-t', '-', archive]);
    const [bytes, [code]] = await Promise.all([buffer(child.stdout), once(child, 'close')]);
    expect(code).toBe(0);
    expect((args.length > 0 ? gunzipSync(bytes) : bytes).equals(await expectedTar(archive))).toBe(true);
  });
});

describe('descriptors that are closed', () => {
  test('standard input and error are not needed', async () => {
    const archive = await sampleImage();
    const { code, stdout } = await runScript('dimgx -t - "$1" <&- 2>&-', archive);
    expect(code).toBe(0);
    expect(stdout.equals(await expectedTar(archive))).toBe(true);
  });

  test('no archive comes out of a closed standard input', async () => {
    const { code, stderr } = await runScript('dimgx -t /dev/null - <&-');
    expect(code).toBe(2);
    expect(stderr).toMatch(/^dimgx: DIMGX_SOURCE_NOT_AN_IMAGE: .*\n$/);
  });

  test('a closed standard output does not put the tar into another file', async () => {
    const [folder, archive] = [await temporaryFolder(), await sampleImage()];
    const { stderr } = await runScript('cp "$2" "$1/image.tar"; dimgx -t - "$1/image.tar" >&-', folder, archive);
    expect(stderr).toBe('');
    expect((await readFile(`${folder}/image.tar`)).equals(await readFile(archive))).toBe(true);
    expect(await readdir(folder)).toEqual(['image.tar']);
  });
});

describe('an archive on standard input', () => {
  test.each(shortOrLong([0, 511, 3000], [0, 1, 511, 513, 3000]))(
    'that ends after %i bytes is one clear error',
    async (length) => {
      const [folder, archive] = [await temporaryFolder(), await sampleImage()];
      const { code, stderr } = await runScript(
        'head -c "$3" "$2" | dimgx -t "$1/out.tar" -',
        folder,
        archive,
        `${length}`,
      );
      expect(code).toBe(2);
      expect(stderr).toMatch(/^dimgx: DIMGX_(TAR|SOURCE)_[A-Z_]+: .*\n$/);
      expect(await readdir(folder)).toEqual([]);
    },
  );
});

describe('a damaged layer', () => {
  test.each(['', '-z'])('fails, and the tar on standard output %s lacks its end', async (option) => {
    const archive = await sampleImage();
    const whole = await expectedTar(archive);
    const { stdout, stderr, code } = await runScript(
      `dimgx ${option} -t - "$1" | cat; exit $PIPESTATUS`,
      await damaged(archive),
    );
    expect(code).toBe(2);
    expect(stderr).toMatch(/^dimgx: DIMGX_IMAGE_DIGEST_MISMATCH: .*\n$/);
    if (option === '') expect(stdout.length).toBe(whole.length - 1024);
    else expect(() => gunzipSync(stdout)).toThrow();
  });

  test('passes without verification', async () => {
    const archive = await damaged(await sampleImage());
    const { code, stdout } = await runScript(
      'set -o pipefail; dimgx --no-verify -t - "$1" | tar xO etc/hello',
      archive,
    );
    expect({ code, stdout: stdout.toString() }).toEqual({ code: 0, stdout: 'World\n' });
  });
});
