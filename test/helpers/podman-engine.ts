import { writeFile } from 'node:fs/promises';
import { type Daemon, startDaemon } from './daemon.js';
import { runCommand } from './run-command.js';

export interface PodmanEngine {
  /** For `DOCKER_HOST`. */
  readonly host: string;
  stop(): Promise<void>;
}

/**
 * Podman with Docker's API, its socket, images and state in one temporary folder.
 *
 * @param registries that it may speak plain HTTP to
 */
export async function startPodmanEngine(registries: readonly string[] = []): Promise<PodmanEngine> {
  const { folder, stop }: Daemon = await startDaemon(async (place) => {
    const configuration = registries.map((host) => `[[registry]]\nlocation = "${host}"\ninsecure = true\n`);
    await writeFile(`${place}/registries.conf`, configuration.join(''));
    const state = ['--root', `${place}/root`, '--runroot', `${place}/run`];
    return {
      command: 'env',
      args: [
        `CONTAINERS_REGISTRIES_CONF=${place}/registries.conf`,
        ...['podman', ...state, 'system', 'service', '--time=0', hostIn(place)],
      ],
      probe: () => runCommand('docker', ['version'], { env: { DOCKER_HOST: hostIn(place) } }),
    };
  });
  return { host: hostIn(folder), stop };
}

function hostIn(folder: string): string {
  return `unix://${folder}/podman.sock`;
}
