import { execFileSync } from 'node:child_process';
import { mkdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { temporaryFolder } from './members.js';

/** For `skipIf`: whether file systems cannot be mounted here. With `DIMGX_REQUIRE_ENGINES=1` the test fails instead. */
export function cannotMount(): boolean {
  if (process.env.DIMGX_REQUIRE_ENGINES === '1') return false;
  try {
    execFileSync('unshare', ['-m', 'true'], { stdio: 'ignore' });
    return process.getuid?.() !== 0;
  } catch {
    return true;
  }
}

/**
 * A file system in memory, `size` bytes large; unmounted when the test is over.
 *
 * @param files maximum number of files and folders, its root included
 */
export async function smallDisk(size: number, files = 1000): Promise<string> {
  const folder = join(await temporaryFolder(), 'disk');
  await mkdir(folder);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},nr_inodes=${files}`, 'dimgx-test', folder]);
  onTestFinished(() => void execFileSync('umount', ['-l', folder]));
  return folder;
}

/**
 * A file system on a disk whose end can be cut off. Reads from there then fail, as on a broken disk.
 *
 * @param fill puts files into the folder, before the end is cut off
 * @returns the folder, and `loseFrom`, which cuts off everything after that many bytes; unmounted when the test is over
 */
export async function breakableDisk(size: number, fill: (folder: string) => Promise<unknown>) {
  const parent = await temporaryFolder();
  const [device, folder] = [join(parent, 'device'), join(parent, 'disk')];
  await mkdir(folder);
  await writeFile(device, '');
  await truncate(device, size);
  // No journal, and inodes at the front, so that only contents are near the end.
  execFileSync('mke2fs', ['-q', '-F', '-t', 'ext4', '-O', '^has_journal', '-G', '1', device]);
  const mount = (options: string) => execFileSync('mount', ['-o', `loop,${options}`, device, folder]);
  mount('rw');
  onTestFinished(() => void execFileSync('umount', ['-l', folder]));
  await fill(folder);
  return {
    folder,
    /** May be called once. Drops what was cached from earlier reads. */
    async loseFrom(bytes: number) {
      execFileSync('umount', [folder]);
      mount('ro');
      await truncate(device, bytes);
    },
  };
}
