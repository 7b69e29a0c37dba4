import { existsSync, readFileSync } from 'node:fs';
import { mkdir, truncate, writeFile } from 'node:fs/promises';
import { lacks } from './engines.js';
import { runCommand } from './run-command.js';

const SIZE = 2 ** 31;

/** Why no Btrfs can be mounted here, as a suffix for a test's name; empty if it can. */
export function whyNoBtrfs(): string {
  if (lacks('mkfs.btrfs')) return ' (this machine lacks mkfs.btrfs)';
  if (!/\tbtrfs$/m.test(readFileSync('/proc/filesystems', 'utf8'))) return ' (this kernel lacks btrfs)';
  return existsSync('/dev/loop-control') ? '' : ' (this machine lacks loop devices)';
}

/** Mounts a new Btrfs at `PLACE/data`, on a sparse file beside it: `removeTree` unmounts it. */
export async function mountBtrfs(place: string): Promise<void> {
  await writeFile(`${place}/disk`, '');
  await truncate(`${place}/disk`, SIZE);
  await runCommand('mkfs.btrfs', ['-q', `${place}/disk`]);
  await mkdir(`${place}/data`);
  await runCommand('mount', ['-o', 'loop', `${place}/disk`, `${place}/data`]);
}
