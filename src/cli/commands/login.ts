import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { printable, type RegistryCredentials } from '../../index.js';
import { login, logout, logoutAll, parseRegistryHost, type RemovedLogin } from '../../registry.js';
import { flag, text } from '../options/option-row.js';
import { SOURCE_OPTIONS, TRUST_OPTIONS } from '../options/source-options.js';
import { usageError } from '../options/usage-error.js';
import { defineCommand } from './command.js';

const AUTH_FILE = {
  ...SOURCE_OPTIONS.authfile,
  describe: "instead of docker's or podman's; in the form of docker's if it is called config.json",
} as const;

export const loginCommand = defineCommand({
  describe: `Stores a user name and a password for a registry, once the registry has accepted them. Without HOST it is Docker Hub.

They are stored where docker login or podman login would store them: in $REGISTRY_AUTH_FILE if it is set; else in docker's config.json if it exists or $DOCKER_CONFIG is set, or in the credential helper that it names; else in containers/auth.json in $XDG_RUNTIME_DIR, or in ~/.config if that is not set.`,
  examples: [
    ['dimgx login', 'log in to Docker Hub'],
    ['dimgx login -u me --password-stdin registry.example < password', 'log in to another registry from a script'],
  ],
  operands: { name: 'HOST[:PORT]', count: 'optional', wanted: 'takes at most one registry' },
  options: {
    username: { ...text, metavar: '=NAME', alias: 'u', describe: 'user name (prompted for by default)' },
    'password-stdin': { ...flag, describe: 'read the password from standard input (default: prompt for it)' },
    authfile: AUTH_FILE,
    ...TRUST_OPTIONS,
  },
  json: 'print JSON',
  async run({ operands: [host = 'docker.io'], given, library }) {
    const registry = parseRegistryHost(host);
    const credentials = await askLogin(given.username, given['password-stdin'] === true, library.signal);
    const { username, path, helper } = await login(registry, credentials, library);
    const where = helper === undefined ? printable(path, 300) : `docker-credential-${helper}`;
    return {
      text: () => `logged in to ${registry} as ${printable(username, 100)}: stored in ${where}\n`,
      json: () => ({ registry, username, path, helper: helper ?? null }),
    };
  },
});

async function askLogin(name: string | undefined, isPiped: boolean, signal: AbortSignal): Promise<RegistryCredentials> {
  if (isPiped && !name) throw usageError('--password-stdin needs --username, too');
  const username = name || (await ask('Username', false, 'use --username and --password-stdin', signal));
  const password = isPiped ? await readPassword() : await ask('Password', true, 'use --password-stdin', signal);
  if (username === '' || username.includes(':')) throw usageError('a user name must not be empty or contain a colon');
  if (password === '') throw usageError('the password is empty');
  return { username, password };
}

/** One trailing line end is not part of the password. */
async function readPassword(): Promise<string> {
  return (await buffer(process.stdin)).toString().replace(/\r?\n$/, '');
}

/**
 * Asks the user a question. The answer comes from the terminal on standard input; the question goes to standard error.
 *
 * @param isSecret do not show what is typed
 * @param instead what the user can do where there is no terminal
 * @returns one line, as it was typed
 * @throws DIMGX_USAGE without a terminal, or when the user ends the input; an `AbortError`
 */
async function ask(question: string, isSecret: boolean, instead: string, signal: AbortSignal): Promise<string> {
  if (!process.stdin.isTTY)
    throw usageError(`there is no terminal to ask for the ${question.toLowerCase()}: ${instead}`);
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
  } finally {
    ended.catch(() => undefined);
    terminal.close();
    if (isSecret) process.stderr.write('\n');
  }
}

export const logoutCommand = defineCommand({
  describe:
    'Removes the stored credentials for a registry, whether docker, podman or dimgx stored them. Without HOST it is Docker Hub.',
  examples: [
    ['dimgx logout registry.example', 'remove the credentials for a registry'],
    ['dimgx logout --all', 'remove all credentials'],
  ],
  operands: { name: 'HOST[:PORT]', count: 'optional', wanted: 'takes at most one registry' },
  options: { all: { ...flag, describe: 'remove the credentials for all registries' }, authfile: AUTH_FILE },
  json: 'print JSON',
  async *run({ operands, given: { all }, library, log }) {
    const [host = 'docker.io'] = operands;
    if (all && operands.length > 0) throw usageError('logout --all takes no registry');
    const { registry, removed, failures } = all
      ? { registry: 'any registry', ...(await logoutAll(library)) }
      : { failures: [], ...(await logout(host, library)) };
    if (removed.length > 0 || failures.length === 0) {
      yield {
        text: () => removed.map(logoutLine).join('') || `not logged in to ${registry}\n`,
        json: () => ({ removed: removed.map(({ key, path }) => ({ registry: key, path })) }),
      };
    }
    const [failure, ...others] = failures;
    for (const { message } of others) log.write('error', message);
    if (failure) throw failure;
  },
});

function logoutLine({ key, path }: RemovedLogin): string {
  return `logged out of ${printable(key, 200)}: removed from ${printable(path, 300)}\n`;
}
