/**
 * Loaded into a measured process by `--import`: when it ends, writes its peak of resident memory, in bytes, and what it
 * read by system calls in all its threads, in bytes, to descriptor 3.
 *
 * The peak is the kernel's VmHWM. `maxRSS` would not do: it also counts what the process was before `exec`, a copy of the
 * process that started it.
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
    writeSync(3, `${peak} ${countIn('/proc/self/io', /^rchar: (\d+)$/m)}\n`);
  });
