import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { expect, onTestFinished, test } from 'vitest';
import { flatten } from '#dimgx/flatten.js';
import { temporaryFolder } from '../helpers/members.js';
import { runDimgx, startDimgx } from '../helpers/run-dimgx.js';
import { runScript } from '../helpers/run-script.js';
import { sampleImage } from '../helpers/sample-image.js';

const MB = 1024 * 1024;

/** A file system of 2 MiB; gone when the test is over. */
async function smallDisk(): Promise<string> {
  const folder = `${await temporaryFolder()}/disk`;
  await mkdir(folder);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'dimgx-test', folder]);
  onTestFinished(() => void execFileSync('umount', ['-l', folder]));
  return folder;
}

function canMount(): boolean {
  try {
    execFileSync('unshare', ['-m', 'true'], { stdio: 'ignore' });
    return process.getuid?.() === 0;
  } catch {
    return false;
  }
}

const onSmallDisk = test.skipIf(!canMount());

onSmallDisk.each([{}, { compression: 'gzip' }] as const)(
  'a full disk is one clear error, and nothing is left (needs mount), %o',
  async (options) => {
    const disk = await smallDisk();
    const archive = await sampleImage({ large: 5 * MB });
    await expect(flatten(archive, `${disk}/out.tar`, options)).rejects.toMatchObject({
      code: 'DIMGX_TARGET_NO_SPACE',
      message: expect.stringMatching(/out\.tar": make room, or choose another place$/),
    });
    expect(await readdir(disk)).toEqual([]);
  },
);

onSmallDisk('a full disk under --force leaves the old file (needs mount)', async () => {
  const disk = await smallDisk();
  await writeFile(`${disk}/out.tar`, 'old');
  const { code, stderr, stdout } = await runDimgx('-w', '-t', `${disk}/out.tar`, await sampleImage({ large: 5 * MB }));
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(/^dimgx: DIMGX_TARGET_NO_SPACE: there is no room left to write ".*\/out\.tar": .*\n$/);
  expect(await readdir(disk)).toEqual(['out.tar']);
  expect(await readFile(`${disk}/out.tar`, 'utf8')).toBe('old');
});

onSmallDisk.each([true, false])(
  'a temporary folder without room is its own error, and no target is left (needs mount), gzip layers: %s',
  async (gzip) => {
    const disk = await smallDisk();
    const folder = await temporaryFolder();
    const archive = await sampleImage({ large: 5 * MB, gzip });
    const reference = gzip ? archive : '-';
    const { process: child, ended } = startDimgx('--tmp-dir', disk, '-t', `${folder}/out.tar`, reference);
    child.stdin.end(gzip ? '' : await readFile(archive));
    const { code, stderr } = await ended;
    expect(code).toBe(2);
    expect(stderr).toMatch(/^dimgx: DIMGX_SOURCE_NO_SPACE: .*--tmp-dir\n$/);
    expect([...(await readdir(disk)), ...(await readdir(folder))]).toEqual([]);
  },
);

test('a file size limit of the shell is a full disk, too', async () => {
  const folder = await temporaryFolder();
  const archive = await sampleImage({ large: 5 * MB });
  const { code, stderr } = await runScript('ulimit -f 1024; dimgx -t "$1/out.tar" "$2"', folder, archive);
  expect(code).toBe(2);
  expect(stderr).toMatch(/^dimgx: DIMGX_TARGET_NO_SPACE: .*\n$/);
  expect(await readdir(folder)).toEqual([]);
});
