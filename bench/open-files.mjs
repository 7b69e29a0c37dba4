import { readdir, readlink, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

const INTERVAL = 20;
const SECTOR = 512;

/**
 * Looks every 20 ms at what a process has open in a folder, also files that have no name any more, until the process ends.
 *
 * @param {number} pid
 * @param {string} folder
 * @returns {Promise<number>} the most bytes that these files took at once
 */
export async function peakOfOpenFiles(pid, folder) {
  const descriptors = `/proc/${pid}/fd`;
  for (let peak = 0; ; await sleep(INTERVAL)) {
    const names = await readdir(descriptors).catch(() => undefined);
    if (names === undefined) return peak;
    /** One file may be open more than once. @type {Map<number, number>} */
    const sizes = new Map();
    for (const path of names.map((name) => `${descriptors}/${name}`)) {
      const target = await readlink(path).catch(() => ''); // closed since
      const stats = target.startsWith(`${folder}/`) ? await stat(path).catch(() => undefined) : undefined;
      if (stats) sizes.set(stats.ino, stats.blocks * SECTOR);
    }
    peak = Math.max(
      peak,
      [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0),
    );
  }
}
