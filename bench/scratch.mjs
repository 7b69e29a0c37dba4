import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { mkdtemp, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { stopCommands } from './shell.mjs';

/** @type {Set<string>} */
const folders = new Set();
let isLeaving = false;

/** Where there is room in memory: disks would be measured otherwise. @param {number} needed bytes @returns {Promise<string>} */
export async function roomiest(needed) {
  const memory = await statfs('/dev/shm').catch(() => undefined);
  return memory && memory.bavail * memory.bsize > needed ? '/dev/shm' : tmpdir();
}

/** File systems of disks, by the type that `statfs` gives. */
const DISKS = new Map([
  [0xef53, 'ext4'],
  [0x58465342, 'xfs'],
  [0x9123683e, 'btrfs'],
  [0xf2f52010, 'f2fs'],
  [0x2fc12fc1, 'zfs'],
]);

/** A folder for temporary data that lies on a disk. @returns {Promise<{ path: string, kind: string } | undefined>} */
export async function diskFolder() {
  for (const path of [tmpdir(), '/var/tmp', process.cwd()]) {
    const kind = DISKS.get((await statfs(path).catch(() => undefined))?.type ?? 0);
    if (kind !== undefined) return { path, kind };
  }
  return undefined;
}

/**
 * A folder for the work: gone, with the mounts in it, when the work is over, and when SIGINT or SIGTERM ends it.
 *
 * @template Result
 * @param {string} parent
 * @param {(folder: string) => Promise<Result>} work
 * @returns {Promise<Result>}
 */
export async function withFolder(parent, work) {
  if (folders.size === 0) process.on('SIGINT', leave).on('SIGTERM', leave);
  const folder = await mkdtemp(`${parent}/dimgx-bench-`);
  folders.add(folder);
  try {
    return await work(folder);
  } finally {
    if (isLeaving) await new Promise(() => undefined); // what failed was stopped on purpose
    remove(folder);
    if (folders.size === 0) process.off('SIGINT', leave).off('SIGTERM', leave);
  }
}

/** @param {NodeJS.Signals} signal */
async function leave(signal) {
  if (isLeaving) return;
  isLeaving = true;
  await stopCommands();
  for (const folder of folders) remove(folder);
  process.exit(signal === 'SIGINT' ? 130 : 143);
}

/** @param {string} folder */
function remove(folder) {
  const mounts = existsSync('/proc/mounts') ? readFileSync('/proc/mounts', 'utf8').split('\n') : [];
  const paths = mounts.map((line) => line.split(' ')[1] ?? '').filter((path) => path.startsWith(`${folder}/`));
  for (const path of paths.reverse()) spawnSync('umount', [path]); // an engine leaves some behind
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  folders.delete(folder);
}
