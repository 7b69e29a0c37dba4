import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { quote, startShell, stopCommands } from './shell.mjs';

/**
 * A registry of our own on a port of this machine, open to everybody here, all of whose files lie in a folder.
 *
 * @template Result
 * @param {string} folder
 * @param {(host: string) => Promise<Result>} work gets `127.0.0.1:PORT`, to begin the names of images with
 * @returns {Promise<Result>} the registry and all other commands are stopped then
 * @throws when it does not answer within 30 seconds
 */
export async function withDockerRegistry(folder, work) {
  const host = `127.0.0.1:${await freePort()}`;
  const configuration = {
    version: 0.1,
    log: { level: 'error', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: `${folder}/registry` } },
    http: { addr: host },
  };
  await writeFile(`${folder}/registry.json`, JSON.stringify(configuration));
  // It takes variables that begin so for its own configuration.
  const command = `exec env -u REGISTRY_AUTH_FILE docker-registry serve ${quote(`${folder}/registry.json`)}`;
  const { ended } = startShell(command, 'ignore');
  try {
    await Promise.race([answers(host), ended]);
    return await work(host);
  } finally {
    await stopCommands(); // with whatever of the work is left when it has failed
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return address !== null && typeof address === 'object' ? address.port : Number.NaN;
}

/** @param {string} host */
async function answers(host) {
  for (const deadline = Date.now() + 30_000; ; await sleep(200)) {
    try {
      return await fetch(`http://${host}/v2/`);
    } catch (failure) {
      if (Date.now() > deadline) throw failure;
    }
  }
}
