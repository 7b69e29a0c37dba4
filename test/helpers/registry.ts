import { writeFile } from 'node:fs/promises';
import { freePort, probePort, startDaemon } from './daemon.js';
import { runCommand } from './run-command.js';
import type { TokenServer } from './token-server.js';

export interface Registry {
  /** `127.0.0.1:PORT`, to start image names with. Engines use plain HTTP there; Podman must be configured to. */
  readonly host: string;
  stop(): Promise<void>;
}

export interface RegistrySetup {
  /** Who is allowed: only `USER`, or holders of a token. Default: everyone. */
  readonly auth?: 'htpasswd' | TokenServer;
  /** A folder with `cert.pem` and `key.pem`. Default: plain HTTP. */
  readonly tls?: string;
}

/** The only user of a registry with access control. The password breaks code that splits at colons and slashes. */
export const USER = { name: 'dimgx', password: 's3cret:pa/ss' };

/** Made with Python's `crypt.crypt('s3cret:pa/ss', crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16))`. */
const HTPASSWD = 'dimgx:$2b$04$m.cw0wIZ2fP.JqNvIgNEV.VUfjks.VnhDdmY5oH.LqU7XAKQZJHze\n';

/** Docker's registry on a port of this machine. */
export async function startRegistry({ auth, tls }: RegistrySetup = {}): Promise<Registry> {
  const port = await freePort();
  const { stop } = await startDaemon(async (place) => {
    const configuration = {
      version: 0.1,
      storage: { filesystem: { rootdirectory: `${place}/data` }, delete: { enabled: true } },
      http: {
        addr: `127.0.0.1:${port}`,
        ...(tls !== undefined && { tls: { certificate: `${tls}/cert.pem`, key: `${tls}/key.pem` } }),
      },
      ...(auth !== undefined && { auth: authOf(auth, place) }),
    };
    await writeFile(`${place}/htpasswd`, HTPASSWD);
    await writeFile(`${place}/config.json`, JSON.stringify(configuration));
    // it reads variables with this prefix as its own configuration
    const args = ['-u', 'REGISTRY_AUTH_FILE', 'docker-registry', 'serve', `${place}/config.json`];
    return { command: 'env', args, probe: () => probePort(port) };
  });
  return { host: `127.0.0.1:${port}`, stop };
}

/** Copies an image with all its platforms into a registry, as `USER`. @param options of `skopeo copy` */
export async function push(source: string, name: string, ...options: readonly string[]): Promise<void> {
  const always = ['--all', '--dest-tls-verify=false', `--dest-creds=${USER.name}:${USER.password}`];
  await runCommand('skopeo', ['--insecure-policy', 'copy', ...always, ...options, source, `docker://${name}`]);
}

function authOf(auth: 'htpasswd' | TokenServer, place: string) {
  if (auth === 'htpasswd') return { htpasswd: { realm: 'test', path: `${place}/htpasswd` } };
  const { realm, service, issuer, authority: rootcertbundle } = auth;
  return { token: { realm, service, issuer, rootcertbundle } };
}
