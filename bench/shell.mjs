import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** Reads a pipe to its end, and hands on only what came first, which tells a reader when that was. */
export const FIRST_BYTE = '{ head -c 1; cat >/dev/null; }';

const REPORT = fileURLToPath(new URL('report-usage.mjs', import.meta.url));

/** A command has failed, or was stopped. */
export class CommandError extends Error {
  /** @param {number | null} exitCode null if a signal ended it @param {string} command @param {string} said */
  constructor(exitCode, command, said) {
    super(`ended with ${exitCode}: ${command}\n${said}`);
    this.exitCode = exitCode;
  }
}

/** What runs, by process group. @type {Map<number, Promise<unknown>>} */
const running = new Map();

/**
 * Starts a command of bash that fails when any part of it does. `$NODE` in it is Node, told to report on descriptor 3.
 *
 * @param {string} command
 * @param {'ignore' | 'pipe'} stdout
 */
export function startShell(command, stdout) {
  const env = { ...process.env, NODE: `${quote(process.execPath)} --import ${quote(REPORT)}` };
  const args = ['-euo', 'pipefail', '-c', command.replaceAll('$NODE', env.NODE)];
  const child = spawn('bash', args, { detached: true, stdio: ['ignore', stdout, 'pipe', 'pipe'] });
  const { pid } = child;
  let said = '';
  let report = '';
  child.stderr?.on('data', (chunk) => {
    said += chunk;
  });
  child.stdio[3]?.on('data', (chunk) => {
    report += chunk;
  });
  const ended = once(child, 'close').then(([code]) => {
    if (code !== 0) throw new CommandError(code, command, said);
    return report;
  });
  if (pid !== undefined) {
    const gone = ended.catch(() => undefined).then(() => running.delete(pid));
    running.set(pid, gone);
  }
  return { pid, stdout: child.stdout, ended };
}

/** @param {string} command @returns {Promise<string>} what it says */
export async function outputOf(command) {
  const { stdout, ended } = startShell(command, 'pipe');
  let text = '';
  stdout?.on('data', (chunk) => {
    text += chunk;
  });
  await ended;
  return text;
}

/** Ends what still runs: commands have process groups of their own, which a terminal's Ctrl-C does not reach. */
export async function stopCommands() {
  for (const group of running.keys()) {
    try {
      process.kill(-group, 'SIGKILL');
    } catch {
      // it has just ended
    }
  }
  await Promise.all(running.values());
}

/** One word for the shell. @param {string} word */
export function quote(word) {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
