import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { abortedBy } from '../../errors.js';
import { usageError } from '../options/usage-error.js';

/**
 * Asks the user at the terminal, which is standard input; the question goes to standard error.
 *
 * @param isSecret what is typed is not shown
 * @param instead what to do where there is no terminal
 * @returns one line, as it was typed
 * @throws DIMGX_CLI_USAGE without a terminal, or when the user ends the input; DIMGX_ABORTED
 */
export async function ask(question: string, isSecret: boolean, instead: string, signal: AbortSignal): Promise<string> {
  if (!process.stdin.isTTY) throw usageError(`there is no terminal to ask "${question}" at: ${instead}`);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const output = isSecret ? nowhere : process.stderr;
  if (isSecret) process.stderr.write(`${question}: `);
  const terminal = createInterface({ input: process.stdin, output, terminal: true, historySize: 0 });
  const ended = new Promise<never>((_resolve, reject) => {
    terminal.once('close', () => reject(usageError('the input ended before there was an answer')));
  });
  // Node takes the key of its own: to the shell, the program is to have died of the signal.
  terminal.once('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  try {
    return await Promise.race([terminal.question(isSecret ? '' : `${question}: `, { signal }), ended]);
  } catch (failure) {
    throw signal.aborted ? abortedBy(signal) : failure;
  } finally {
    ended.catch(() => undefined);
    terminal.close();
    if (isSecret) process.stderr.write('\n');
  }
}
