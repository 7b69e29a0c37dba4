import { startShell } from './shell.mjs';

/**
 * @typedef {object} Measure of a whole command, start-up included
 * @property {number} seconds
 * @property {number} peak resident memory of its Node process, in bytes; NaN where there is none, and off Linux
 * @property {number} bytesRead by its Node process, Node's own files included; NaN where there is none, and off Linux
 */

/** @param {string} command of bash; `$NODE` in it is Node @returns {Promise<Measure>} */
export async function measure(command) {
  const started = process.hrtime.bigint();
  const report = await startShell(command, 'ignore').ended;
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  const [peak = Number.NaN, bytesRead = Number.NaN] = report.trim().split(' ').filter(Boolean).map(Number);
  return { seconds, peak, bytesRead };
}

/** @param {Measure[]} runs @returns {Measure} the median of each figure by itself */
export function median(runs) {
  /** @param {keyof Measure} figure */
  const middle = (figure) => runs.map((run) => run[figure]).sort((a, b) => a - b)[runs.length >> 1] ?? Number.NaN;
  return { seconds: middle('seconds'), peak: middle('peak'), bytesRead: middle('bytesRead') };
}
