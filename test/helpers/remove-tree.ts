import { readFile } from 'node:fs/promises';
import { runCommand } from './run-command.js';

/**
 * Removes a folder of an engine: what is mounted there is unmounted first, and paths may be longer than one call takes,
 * which Node's own removal cannot.
 */
export async function removeTree(folder: string): Promise<void> {
  const mounts = (await readFile('/proc/mounts', 'utf8')).split('\n').map((line) => line.split(' ')[1] ?? '');
  for (const path of mounts.filter((mount) => mount.startsWith(`${folder}/`)).reverse())
    await runCommand('umount', [path]);
  await runCommand('rm', ['-rf', '--one-file-system', folder]);
}
