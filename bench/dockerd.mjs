import { setTimeout as sleep } from 'node:timers/promises';
import { outputOf, quote, startShell } from './shell.mjs';

/**
 * A Docker Engine of our own, all of whose files lie in a folder.
 *
 * @template Result
 * @param {string} folder
 * @param {(host: string) => Promise<Result>} work gets what `DOCKER_HOST` takes
 * @returns {Promise<Result>} the engine is stopped then
 * @throws when it does not answer within 30 seconds
 */
export async function withDockerd(folder, work) {
  const host = `unix://${folder}/socket`;
  const places = `--data-root ${quote(`${folder}/data`)} --exec-root ${quote(`${folder}/exec`)} --pidfile ${quote(`${folder}/pid`)}`;
  const plain = '--iptables=false --ip6tables=false --bridge=none --storage-driver=overlay2';
  const { pid, ended } = startShell(`exec dockerd ${places} -H ${quote(host)} ${plain}`, 'ignore');
  const end = ended.catch((failure) => failure);
  try {
    await Promise.race([answers(host), ended]);
    return await work(host);
  } finally {
    if (pid !== undefined) process.kill(pid, 'SIGTERM');
    await end;
  }
}

/** @param {string} host */
async function answers(host) {
  for (const deadline = Date.now() + 30_000; ; await sleep(200)) {
    try {
      return await outputOf(`DOCKER_HOST=${quote(host)} docker version`);
    } catch (failure) {
      if (Date.now() > deadline) throw failure;
    }
  }
}
