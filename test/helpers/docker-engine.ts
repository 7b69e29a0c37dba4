import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, open, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { removeTree } from './remove-tree.js';
import { runCommand } from './run-command.js';

/** A Docker Engine of our own: its socket, images and state lie in one temporary folder. */
export interface DockerEngine {
  /** For `DOCKER_HOST`. */
  readonly host: string;
  /** Its data folder. */
  readonly data: string;
  /** Ends the process that was started, and removes the folder. */
  stop(): Promise<void>;
}

/** @throws when it does not answer within 30 seconds; the message holds the end of its log */
export async function startDockerEngine(storage: 'overlay2' | 'vfs' = 'overlay2'): Promise<DockerEngine> {
  const folder = await mkdtemp(join(tmpdir(), 'dimgx-docker-'));
  const host = `unix://${folder}/socket`;
  const log = await open(`${folder}/log`, 'w');
  const args = [
    '--data-root',
    `${folder}/data`,
    '--exec-root',
    `${folder}/exec`,
    '--pidfile',
    `${folder}/pid`,
    '-H',
    host,
  ];
  const plain = ['--iptables=false', '--ip6tables=false', '--bridge=none', `--storage-driver=${storage}`];
  const daemon = spawn('dockerd', [...args, ...plain], { stdio: ['ignore', log.fd, log.fd] });
  const kill = () => daemon.kill();
  process.once('exit', kill);
  const stop = async () => {
    process.off('exit', kill);
    await end(daemon);
    await log.close();
    await removeTree(folder); // the engine leaves the mount of a network namespace behind
  };
  try {
    await answers(daemon, host);
  } catch (failure) {
    const said = await readFile(`${folder}/log`, 'utf8');
    await stop();
    throw new Error(`dockerd did not start: ${said.slice(-2000)}`, { cause: failure });
  }
  return { host, data: `${folder}/data`, stop };
}

async function answers(daemon: ChildProcess, host: string): Promise<void> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    try {
      await runCommand('docker', ['version'], { env: { DOCKER_HOST: host } });
      return;
    } catch (failure) {
      if (daemon.pid === undefined || daemon.exitCode !== null || Date.now() > deadline) throw failure;
      await sleep(200);
    }
  }
}

async function end(daemon: ChildProcess): Promise<void> {
  if (daemon.pid === undefined || daemon.exitCode !== null || daemon.signalCode !== null) return;
  const ended = new Promise((resolve) => daemon.once('exit', resolve));
  daemon.kill('SIGTERM');
  await Promise.race([ended, sleep(20_000, undefined, { ref: false }).then(() => daemon.kill('SIGKILL'))]);
  await ended;
}
