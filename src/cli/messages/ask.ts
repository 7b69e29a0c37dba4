import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { abortedBy } from '../../errors.js';
import { usageError } from '../options/usage-error.js';

/**
 * Asks the user a question. The answer comes from the terminal on standard input; the question goes to standard error.
 *
 * @param isSecret do not show what is typed
 * @param instead what the user can do where there is no terminal
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
  // readline handles Ctrl-C itself. Raise the signal, so that the shell sees the program die of it.
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
