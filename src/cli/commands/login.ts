import { buffer } from 'node:stream/consumers';
import { printable } from '../../base/text/printable.js';
import { parseRegistryHost } from '../../reference/image-name.js';
import { checkLogin } from '../../registry/check-login.js';
import { AUTH_VARIABLE } from '../../registry/credentials/auth-source.js';
import { findCredentials } from '../../registry/credentials/find-credentials.js';
import { storeLogin } from '../../registry/credentials/login.js';
import { ask } from '../messages/ask.js';
import { defined } from '../options/defined.js';
import { OPTION_TABLE } from '../options/option-table.js';
import { usageError } from '../options/usage-error.js';
import { type CommandContext, defineCommand } from './command.js';

const flag = { type: 'boolean' } as const;
const text = { type: 'string' } as const;

export const AUTH_FILE = {
  ...text,
  metavar: '=FILE',
  describe: "instead of docker's or podman's; in the form of docker's if it is called config.json",
} as const;

export const command = defineCommand({
  usage: '[options] [HOST[:PORT]]',
  describe: `Stores a user name and a password for a registry, once the registry has accepted them. Without HOST it is Docker Hub.

They are stored where docker login or podman login would store them: in $REGISTRY_AUTH_FILE if it is set; else in docker's config.json if it exists or $DOCKER_CONFIG is set, or in the credential helper that it names; else in containers/auth.json in $XDG_RUNTIME_DIR, or in ~/.config if that is not set.`,
  examples: [
    ['dimgx login', 'log in to Docker Hub'],
    ['dimgx login -u me --password-stdin registry.example < password', 'log in to another registry from a script'],
  ],
  options: {
    username: { ...text, metavar: '=NAME', alias: 'u', describe: 'user name (prompted for by default)' },
    'password-stdin': {
      ...flag,
      describe: 'read the password from standard input (default: prompt for it)',
    },
    authfile: AUTH_FILE,
    'ca-file': { ...OPTION_TABLE['ca-file'], group: 'Options:' },
    'cert-dir': { ...OPTION_TABLE['cert-dir'], group: 'Options:' },
    insecure: { ...OPTION_TABLE.insecure, group: 'Options:' },
    'plain-http': { ...OPTION_TABLE['plain-http'], group: 'Options:' },
  },
  async run(given, [host = 'docker.io', ...others], context) {
    if (others.length > 0) throw usageError('login takes one registry');
    const { env, signal, log, print } = context;
    const registry = parseRegistryHost(host);
    const { username, password } = await loginOf(given.username, given['password-stdin'] === true, context);
    const { 'ca-file': caFile, 'cert-dir': certDir, insecure, 'plain-http': plainHttp, authfile: authFile } = given;
    const options = defined({ caFile, certDir, insecure, plainHttp });
    const warn = log.warning.bind(log);
    const inform = (message: string) => log.write('info', message);
    await checkLogin({ registry, username, password, warn, inform, signal, ...options });
    const { path, helper } = await storeLogin({ username, password }, { registry, authFile, env, signal });
    const where = helper === undefined ? printable(path, 300) : `docker-credential-${helper}`;
    if (authFile === undefined) await warnOfOthers(registry, { username, password }, context);
    await print(`logged in to ${registry} as ${printable(username, 100)}: stored in ${where}\n`);
  },
});

/**
 * Warns if a lookup finds other credentials than those just stored: another file may take precedence, or a credential
 * helper may have stored something else.
 */
async function warnOfOthers(
  registry: string,
  stored: { readonly username: string; readonly password: string },
  { env, signal, log }: CommandContext,
): Promise<void> {
  const warn = log.warning.bind(log);
  const found = await findCredentials({ name: `${registry}/x`, env, first: 'docker', warn, signal });
  const isSame = found?.credentials.username === stored.username && found.credentials.password === stored.password;
  if (isSame) return;
  const what = found
    ? `other credentials for ${registry} are found before, by ${found.origin}`
    : 'they are not found again';
  const advice = found?.origin === `$${AUTH_VARIABLE}` ? 'unset it' : `dimgx logout ${registry} removes all`;
  warn({ code: 'DIMGX_SOURCE_OTHER_LOGIN', message: `${what}: ${advice}`, count: 1 });
}

async function loginOf(name: string | undefined, isPiped: boolean, { signal }: CommandContext) {
  if (isPiped && !name) throw usageError('--password-stdin wants --username, too');
  const username = name || (await ask('Username', false, 'use --username and --password-stdin', signal));
  const password = isPiped ? await readPassword() : await ask('Password', true, 'use --password-stdin', signal);
  if (username === '' || username.includes(':')) throw usageError('a name is not empty, and holds no colon');
  if (password === '') throw usageError('the password is empty');
  return { username, password };
}

/** One trailing line end is not part of the password. */
async function readPassword(): Promise<string> {
  return (await buffer(process.stdin)).toString().replace(/\r?\n$/, '');
}
