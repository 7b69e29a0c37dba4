import { readFile } from 'node:fs/promises';
import { runCommand } from './run-command.js';

/**
 * Removes an engine's folder. Mounts in it are unmounted first. Paths may be longer than one system call accepts, which
 * Node's own removal does not handle.
 */
export async function removeTree(folder: string): Promise<void> {
  const mounts = (await readFile('/proc/mounts', 'utf8')).split('\n').map((line) => line.split(' ')[1] ?? '');
  for (const path of mounts.filter((mount) => mount.startsWith(`${folder}/`)).reverse())
    await runCommand('umount', [path]);
  await runCommand('rm', ['-rf', '--one-file-system', folder]);
}
