import { printable } from '../../base/text/printable.js';
import { parseRegistryHost } from '../../reference/image-name.js';
import { AUTH_VARIABLE } from '../../registry/credentials/auth-source.js';
import { removeLogin } from '../../registry/credentials/login.js';
import { removeAllLogins } from '../../registry/credentials/remove-all-logins.js';
import { usageError } from '../options/usage-error.js';
import { type CommandContext, defineCommand } from './command.js';
import { AUTH_FILE } from './login.js';

export const command = defineCommand({
  usage: '[options] [HOST[:PORT]]',
  describe:
    'Removes the stored credentials for a registry, whether docker, podman or dimgx stored them. Without HOST it is Docker Hub.',
  examples: [
    ['dimgx logout registry.example', 'remove the credentials for a registry'],
    ['dimgx logout --all', 'remove all credentials'],
  ],
  options: { all: { type: 'boolean', describe: 'remove the credentials for all registries' }, authfile: AUTH_FILE },
  async run({ all, authfile: authFile }, hosts, context) {
    const { env, signal, print } = context;
    if (all) return logOutOfAll(hosts, authFile, context);
    const [host = 'docker.io', ...others] = hosts;
    if (others.length > 0) throw usageError('logout takes one registry');
    const registry = parseRegistryHost(host);
    const removed = await removeLogin({ registry, authFile, env, signal });
    const lines = removed.map((path) => `logged out of ${registry}: removed from ${printable(path, 300)}\n`);
    await print(lines.join('') || `not logged in to ${registry}\n`);
    warnOfVariable(authFile, context);
  },
});

async function logOutOfAll(hosts: readonly string[], authFile: string | undefined, context: CommandContext) {
  if (hosts.length > 0) throw usageError('logout --all takes no registry');
  const { env, signal, print } = context;
  const { removed, failures } = await removeAllLogins({ authFile, env, signal });
  const lines = removed.map(
    ({ key, path }) => `logged out of ${printable(key, 200)}: removed from ${printable(path, 300)}\n`,
  );
  if (lines.length > 0 || failures.length === 0) await print(lines.join('') || 'not logged in to any registry\n');
  warnOfVariable(authFile, context);
  const [failure, ...others] = failures;
  for (const { message } of others) context.log.write('error', message);
  if (failure) throw failure;
}

/** dimgx cannot change an environment variable for the user; it can only warn. */
function warnOfVariable(authFile: string | undefined, { env, log }: CommandContext): void {
  if (authFile !== undefined || !env[AUTH_VARIABLE]) return;
  const message = `$${AUTH_VARIABLE} may still hold credentials, which go before those of files: unset it`;
  log.warning({ code: 'DIMGX_SOURCE_OTHER_LOGIN', message, count: 1 });
}
