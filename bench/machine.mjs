import { availableParallelism, cpus, release, totalmem, type } from 'node:os';
import { outputOf, quote } from './shell.mjs';

/** Sets as many threads of Node's own as the command does, for what is not run by it. */
export const NODE_THREADS = `UV_THREADPOOL_SIZE=${Math.max(2, availableParallelism())}`;

/** On what the figures were measured, and with what, in one line. @param {string} place where the files lay @param {string[]} programs @returns {Promise<string>} */
export async function describeMachine(place, programs) {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  const memory = `${(totalmem() / 2 ** 30).toFixed(0)} GiB`;
  const versions = [];
  for (const program of programs) versions.push(await versionOf(program));
  const parts = [
    `${availableParallelism()} × ${model}`,
    memory,
    `${type()} ${release()}`,
    `files in ${place}`,
    `Node ${process.versions.node}`,
    ...versions.filter((version) => version !== ''),
  ];
  return `${parts.join('; ')}.`;
}

/** @param {string} program @returns {Promise<boolean>} whether it is on PATH */
export async function isOnPath(program) {
  return await outputOf(`command -v ${quote(program)}`).then(
    () => true,
    () => false,
  );
}

/** What a program says of itself; nothing where it is not found. @param {string} program */
async function versionOf(program) {
  if (!(await isOnPath(program))) return '';
  const argument = program === 'crane' ? 'version' : '--version';
  const [line = ''] = (await outputOf(`${quote(program)} ${argument}`)).split('\n');
  return line.includes('version') ? line : `${program} ${line}`;
}
