import { type Daemon, startDaemon } from './daemon.js';
import { runCommand } from './run-command.js';

export interface PodmanEngine {
  /** For `DOCKER_HOST`. */
  readonly host: string;
  stop(): Promise<void>;
}

/** Podman with Docker's API, its socket, images and state in one temporary folder. */
export async function startPodmanEngine(): Promise<PodmanEngine> {
  const { folder, stop }: Daemon = await startDaemon(async (place) => ({
    command: 'podman',
    args: ['--root', `${place}/root`, '--runroot', `${place}/run`, 'system', 'service', '--time=0', hostIn(place)],
    probe: () => runCommand('docker', ['version'], { env: { DOCKER_HOST: hostIn(place) } }),
  }));
  return { host: hostIn(folder), stop };
}

function hostIn(folder: string): string {
  return `unix://${folder}/podman.sock`;
}
