import { peakOfOpenFiles } from './open-files.mjs';
import { startShell } from './shell.mjs';

/**
 * @typedef {object} Measure of a whole command, start-up included
 * @property {number} seconds
 * @property {number} peak resident memory of its Node process, in bytes; NaN where there is none, and off Linux
 * @property {number} bytesRead by its Node process, Node's own files included; NaN where there is none, and off Linux
 * @property {number} bytesWritten to disks by its Node process; NaN where there is none, and off Linux
 * @property {number} firstByte seconds until there was something on its standard output; NaN where nothing came
 * @property {number} temporary the most bytes that its open files in a folder took at once; NaN where none was watched
 * @property {number} processor seconds of processor time of its Node process; NaN where there is none
 */

/**
 * @param {string} command of bash; `$NODE` in it is Node
 * @param {string} [watched] a folder for temporary files; the command is one program then
 * @returns {Promise<Measure>}
 */
export async function measure(command, watched) {
  const started = process.hrtime.bigint();
  const sinceThen = () => Number(process.hrtime.bigint() - started) / 1e9;
  let firstByte = Number.NaN;
  const { pid, stdout, ended } = startShell(watched === undefined ? command : `exec ${command}`, 'pipe');
  const watch = watched !== undefined && pid !== undefined ? peakOfOpenFiles(pid, watched) : Number.NaN;
  stdout?.once('data', () => {
    firstByte = sinceThen();
  });
  const report = await ended;
  const seconds = sinceThen();
  const temporary = await watch;
  const [peak = Number.NaN, bytesRead = Number.NaN, bytesWritten = Number.NaN, processor = Number.NaN] = report
    .trim()
    .split(/\s/)
    .filter(Boolean)
    .map(Number);
  return { seconds, peak, bytesRead, bytesWritten, firstByte, temporary, processor };
}

/** @param {Measure[]} runs @returns {Measure} the median of each figure by itself */
export function median(runs) {
  /** @param {keyof Measure} figure */
  const middle = (figure) => runs.map((run) => run[figure]).sort((a, b) => a - b)[runs.length >> 1] ?? Number.NaN;
  return {
    seconds: middle('seconds'),
    peak: middle('peak'),
    bytesRead: middle('bytesRead'),
    bytesWritten: middle('bytesWritten'),
    firstByte: middle('firstByte'),
    temporary: middle('temporary'),
    processor: middle('processor'),
  };
}
