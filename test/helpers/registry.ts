import { writeFile } from 'node:fs/promises';
import { freePort, probePort, startDaemon } from './daemon.js';

export interface Registry {
  /** `127.0.0.1:PORT`, to begin the names of images with. Engines speak plain HTTP there, Podman when it is told to. */
  readonly host: string;
  stop(): Promise<void>;
}

/** The one user of a registry that lets nobody else in. The password is hard on whoever splits at colons and slashes. */
export const USER = { name: 'dimgx', password: 's3cret:pa/ss' };

/** Made by Python's `crypt.crypt('s3cret:pa/ss', crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16))`. */
const HTPASSWD = 'dimgx:$2b$04$m.cw0wIZ2fP.JqNvIgNEV.VUfjks.VnhDdmY5oH.LqU7XAKQZJHze\n';

/** Docker's registry on a port of this machine. @param isOpen whether it serves everybody, or `USER` alone */
export async function startRegistry(isOpen: boolean): Promise<Registry> {
  const port = await freePort();
  const { stop } = await startDaemon(async (place) => {
    const configuration = {
      version: 0.1,
      storage: { filesystem: { rootdirectory: `${place}/data` }, delete: { enabled: true } },
      http: { addr: `127.0.0.1:${port}` },
      ...(!isOpen && { auth: { htpasswd: { realm: 'test', path: `${place}/htpasswd` } } }),
    };
    await writeFile(`${place}/htpasswd`, HTPASSWD);
    await writeFile(`${place}/config.json`, JSON.stringify(configuration));
    return { command: 'docker-registry', args: ['serve', `${place}/config.json`], probe: () => probePort(port) };
  });
  return { host: `127.0.0.1:${port}`, stop };
}
