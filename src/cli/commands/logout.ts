import { printable } from '../../image/printable.js';
import { parseRegistryHost } from '../../reference/registry-host.js';
import { removeLogin } from '../../source/credentials/remove-login.js';
import { defineCommand } from '../command.js';
import { usageError } from '../usage-error.js';
import { AUTH_FILE } from './login.js';

export const command = defineCommand({
  usage: '[options] [HOST[:PORT]]',
  describe:
    'Removes the credentials for a registry, Docker Hub without HOST, wherever docker, podman or dimgx have stored them.',
  options: { authfile: AUTH_FILE },
  async run({ authfile: authFile }, [host = 'docker.io', ...others], { env, signal, print }) {
    if (others.length > 0) throw usageError('logout takes one registry');
    const registry = parseRegistryHost(host);
    const removed = await removeLogin({ registry, authFile, env, signal });
    const lines = removed.map((path) => `logged out of ${registry}: removed from ${printable(path, 300)}\n`);
    await print(lines.join('') || `not logged in to ${registry}\n`);
  },
});
