import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { diffIdOf, sha256 } from '../helpers/built-image.js';
import { measureDimgx } from '../helpers/measure-dimgx.js';
import { archiveOf, temporaryFolder, writeArchive } from '../helpers/members.js';
import { cannotMount } from '../helpers/mounts.js';
import { rawEntry, rawTar } from '../helpers/raw-tar.js';
import { expectRefusal } from '../helpers/refusal.js';
import { runCommand } from '../helpers/run-command.js';
import { startDimgx } from '../helpers/run-dimgx.js';

const MIB = 2 ** 20;
const isRoot = process.getuid?.() === 0;

/** An image whose layer takes this many MiB decoded, and a thousandth of that stored. */
async function zeros(mib: number) {
  const layer = rawTar(rawEntry({ name: 'zeros' }, Buffer.alloc(mib * MIB)));
  return { layer, stored: gzipSync(layer, { level: 1 }) };
}

async function archiveOfLayer({
  layer,
  stored,
}: {
  layer: Uint8Array;
  stored: Uint8Array;
}): Promise<Record<string, string | Uint8Array>> {
  const config = JSON.stringify({ rootfs: { type: 'layers', diff_ids: [diffIdOf(layer)] } });
  const name = `${sha256(config)}.json`;
  return { [name]: config, layer: stored, 'manifest.json': JSON.stringify([{ Config: name, Layers: ['layer'] }]) };
}

/** A file system in memory of its own. */
async function tinyFileSystem(mib: number): Promise<string> {
  const folder = join(await temporaryFolder(), 'tiny');
  await mkdir(folder);
  await runCommand('mount', ['-t', 'tmpfs', '-o', `size=${mib}m`, 'dimgx-test', folder]);
  onTestFinished(async () => void (await runCommand('umount', [folder])));
  return folder;
}

describe.skipIf(cannotMount())('a temporary folder without room (needs mount)', () => {
  test('is enough for a layer that decodes to much more', async () => {
    const tmpDir = await tinyFileSystem(8);
    const path = await writeArchive(await archiveOfLayer(await zeros(100)));
    const { exitCode, stderr } = await measureDimgx(['--tmp-dir', tmpDir, '-t', '/dev/null', path]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  });

  test('for bytes that a layer has in another order than the output: how many is said', async () => {
    const tmpDir = await tinyFileSystem(1);
    const files = Array.from({ length: 40 }, (_, i) => rawEntry({ name: `file-${99 - i}` }, randomBytes(MIB)));
    const layer = rawTar(...files);
    const path = await writeArchive(await archiveOfLayer({ layer, stored: gzipSync(layer, { level: 1 }) }));
    await expectRefusal(path, 'DIMGX_SOURCE_NO_SPACE', {
      tmpDir,
      saying: 'needs 40914432 bytes of the layers in another order',
    });
    expect(await readdir(tmpDir)).toEqual([]);
  });

  test('for an archive out of a pipe, compressed or not', async () => {
    const tmpDir = await tinyFileSystem(8);
    const archive = await archiveOf({ 'manifest.json': '[]', filler: Buffer.alloc(30 * MIB) });
    const saying = /: standard input takes more than \d{7} bytes/;
    await expectRefusal('-', 'DIMGX_SOURCE_NO_SPACE', { tmpDir, saying, input: archive });
    const noise = gzipSync(await archiveOf({ 'manifest.json': '[]', filler: randomBytes(12 * MIB) }), { level: 1 });
    await expectRefusal('-', 'DIMGX_SOURCE_NO_SPACE', { tmpDir, saying, input: noise, unpacked: 8 * MIB });
    // It is stored as it comes, and has room so.
    const input = gzipSync(archive);
    await expectRefusal('-', 'DIMGX_SOURCE_NOT_AN_IMAGE', { tmpDir, input, unpacked: 30 * MIB });
    expect(await readdir(tmpDir)).toEqual([]);
  });

  test('is all there is, and enough for an image that needs none', async () => {
    const tmpDir = await tinyFileSystem(1);
    const layer = rawTar(rawEntry({ name: 'noise' }, randomBytes(3 * MIB)));
    const path = await writeArchive(await archiveOfLayer({ layer, stored: layer }));
    const { exitCode, stderr } = await measureDimgx(['--tmp-dir', tmpDir, '-t', '/dev/null', path]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  });
});

describe('a temporary folder that cannot be used', () => {
  test.each(['missing', 'file', 'file/below'])('as it is %s', async (name) => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'file'), '');
    const path = await writeArchive(await archiveOfLayer(await zeros(1)));
    await expectRefusal(path, 'DIMGX_SOURCE_NO_SPACE', { tmpDir: join(folder, name), saying: '--tmp-dir' });
  });

  test.skipIf(isRoot)('as nobody may write there (needs a user that is not root)', async () => {
    const tmpDir = await temporaryFolder();
    await chmod(tmpDir, 0o500);
    const path = await writeArchive(await archiveOfLayer(await zeros(1)));
    await expectRefusal(path, 'DIMGX_SOURCE_NO_SPACE', { tmpDir, saying: '--tmp-dir' });
  });
});

test.skipIf(process.platform !== 'linux')('a process that is killed while it spools leaves no file', async () => {
  const tmpDir = await temporaryFolder();
  const { process: child, ended } = startDimgx('--tmp-dir', tmpDir, '-t', '/dev/null', '-');
  const archive = await archiveOf({ 'manifest.json': '[]', filler: Buffer.alloc(8 * MIB) });
  child.stdin.write(archive.subarray(0, 4 * MIB));
  const spools = async () => {
    const fds = await readdir(`/proc/${child.pid}/fd`);
    const targets = await Promise.all(fds.map((fd) => readlink(`/proc/${child.pid}/fd/${fd}`).catch(() => '')));
    return targets.filter((target) => target.startsWith(tmpDir));
  };
  await expect.poll(spools, { timeout: 20_000 }).toEqual([expect.stringMatching(/ \(deleted\)$/)]);
  expect(await readdir(tmpDir)).toEqual([]);
  child.kill('SIGKILL');
  expect((await ended).signal).toBe('SIGKILL');
  expect(await readdir(tmpDir)).toEqual([]);
});
