/**
 * Loaded into a measured process by `--import`: when it ends, writes four numbers of all its threads to descriptor 3: its peak
 * of resident memory, what it read by system calls and what it wrote to disks, in bytes, and its processor time, in seconds.
 *
 * The peak is the kernel's VmHWM. `maxRSS` would not do: it also counts what the process was before `exec`, a copy of the
 * process that started it. Written to disks is the kernel's write_bytes: it counts a page when the process makes it dirty,
 * also in a file that has no name and is gone before the disk has it, and counts nothing in memory-backed files.
 */
import { readFileSync, writeSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

/** @param {string} file @param {RegExp} line @returns {number} */
function countIn(file, line) {
  if (process.platform !== 'linux') return Number.NaN;
  return Number(line.exec(readFileSync(file, 'latin1'))?.[1] ?? Number.NaN);
}

if (isMainThread)
  process.on('exit', () => {
    const peak = countIn('/proc/self/status', /^VmHWM:\s*(\d+) kB$/m) * 1024;
    const { user, system } = process.cpuUsage();
    const io = [/^rchar: (\d+)$/m, /^write_bytes: (\d+)$/m].map((line) => countIn('/proc/self/io', line));
    writeSync(3, `${[peak, ...io, (user + system) / 1e6].join(' ')}\n`);
  });
