import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const REPORT = fileURLToPath(new URL('report-memory.mjs', import.meta.url));

/** @typedef {{ seconds: number, megabytes: number }} Measure `megabytes` is the peak resident memory */

/**
 * Runs a shell command to its end. `$NODE` in it is Node, told to report its memory.
 *
 * @param {string} command
 * @returns {Promise<Measure>}
 */
export async function measure(command) {
  const env = { ...process.env, NODE: `${process.execPath} --import ${REPORT}` };
  const started = process.hrtime.bigint();
  const child = spawn('bash', ['-euo', 'pipefail', '-c', command], {
    env,
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
  });
  let report = '';
  child.stdio[3]?.on('data', (chunk) => {
    report += chunk;
  });
  const [code] = await once(child, 'close');
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  if (code !== 0) throw new Error(`ended with ${code}: ${command}`);
  return { seconds, megabytes: Number(report) / 1024 };
}

/** @param {Measure[]} runs @returns {Measure} */
export function median(runs) {
  /** @param {number[]} figures */
  const middle = (figures) => figures.sort((a, b) => a - b)[figures.length >> 1] ?? 0;
  return { seconds: middle(runs.map((run) => run.seconds)), megabytes: middle(runs.map((run) => run.megabytes)) };
}
