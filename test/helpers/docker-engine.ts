import { chmod } from 'node:fs/promises';
import { mountBtrfs } from './btrfs-disk.js';
import { startDaemon } from './daemon.js';
import { lacks } from './engines.js';
import { runCommand } from './run-command.js';

/** A Docker Engine of our own, with its socket, images and state in one temporary folder. */
export interface DockerEngine {
  /** For `DOCKER_HOST`. */
  readonly host: string;
  /** Its data folder. */
  readonly data: string;
  /** Ends the process that was started, and leaves its data. */
  end(): Promise<void>;
  /** Ends the process that was started, and removes the folder. */
  stop(): Promise<void>;
}

/** How an engine listens, and how to check that it does. */
export interface DockerDoor {
  /** As docker's `-H`. */
  readonly host: string;
  /** Options of `dockerd`, in addition to the host. */
  readonly options?: readonly string[];
  /** Environment that `docker` needs to connect; default: the host alone. */
  readonly env?: Readonly<Record<string, string>>;
}

export type Storage = 'overlay2' | 'vfs' | 'btrfs';

/**
 * @param open receives the engine's folder; default: a socket there
 * @throws if it does not answer within 30 seconds; the message includes the end of its log
 */
export async function startDockerEngine(
  storage: Storage = 'overlay2',
  open: (folder: string) => DockerDoor | Promise<DockerDoor> = (folder) => ({ host: `unix://${folder}/socket` }),
): Promise<DockerEngine> {
  let host = '';
  const { folder, end, stop } = await startDaemon(async (place) => {
    if (storage === 'btrfs') await mountBtrfs(place);
    const door = await open(place);
    host = door.host;
    const places = ['--data-root', `${place}/data`, '--exec-root', `${place}/exec`, '--pidfile', `${place}/pid`];
    const plain = ['--iptables=false', '--ip6tables=false', '--bridge=none', `--storage-driver=${storage}`];
    return {
      command: 'dockerd',
      args: [...places, ...plain, ...(door.options ?? []), '-H', host],
      probe: () => runCommand('docker', ['version'], { env: { DOCKER_HOST: host, ...door.env } }),
    };
  });
  return { host, data: `${folder}/data`, end, stop };
}

/** Whether an engine may be started with user namespaces: it makes a user, with an entry in /etc/subuid. */
export const CAN_REMAP = !lacks('useradd') && process.env.DIMGX_REQUIRE_ENGINES === '1';

/** An engine with overlay2 and user namespaces. */
export function startRemappedEngine(): Promise<DockerEngine> {
  return startDockerEngine('overlay2', async (place) => {
    await chmod(place, 0o755);
    return { host: `unix://${place}/socket`, options: ['--userns-remap=default'] };
  });
}
