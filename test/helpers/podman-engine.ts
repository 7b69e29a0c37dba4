import { writeFile } from 'node:fs/promises';
import { type Daemon, freePort, probePort, startDaemon } from './daemon.js';
import { runCommand } from './run-command.js';

export interface PodmanEngine {
  /** For `DOCKER_HOST`. */
  readonly host: string;
  /** Runs Podman's own client on the same images. @returns its output */
  run(...args: string[]): Promise<string>;
  /** Starts a second service, for the same images, on 127.0.0.1. It must be stopped separately, before this one. */
  listen(): Promise<PodmanPort>;
  stop(): Promise<void>;
}

export interface PodmanPort {
  /** For `DOCKER_HOST`. */
  readonly host: string;
  stop(): Promise<void>;
}

/**
 * Podman with Docker's API, and with its socket, images and state in one temporary folder.
 *
 * @param registries registries that it may use over plain HTTP
 */
export async function startPodmanEngine(registries: readonly string[] = []): Promise<PodmanEngine> {
  const places = (place: string) => ['--root', `${place}/root`, '--runroot', `${place}/run`];
  const serve = ['system', 'service', '--time=0'];
  const { folder, stop }: Daemon = await startDaemon(async (place) => {
    const configuration = registries.map((host) => `[[registry]]\nlocation = "${host}"\ninsecure = true\n`);
    await writeFile(`${place}/registries.conf`, configuration.join(''));
    return {
      command: 'env',
      args: [
        `CONTAINERS_REGISTRIES_CONF=${place}/registries.conf`,
        ...['podman', ...places(place), ...serve, hostIn(place)],
      ],
      probe: () => runCommand('docker', ['version'], { env: { DOCKER_HOST: hostIn(place) } }),
    };
  });
  const run = async (...args: string[]) => {
    const { stdout } = await runCommand('podman', [...places(folder), ...args]);
    return stdout.toString().trim();
  };
  const listen = async () => {
    const port = await freePort();
    const host = `tcp://127.0.0.1:${port}`;
    const service = await startDaemon(async () => ({
      command: 'podman',
      args: [...places(folder), ...serve, host],
      probe: () => probePort(port),
    }));
    return { host, stop: service.stop };
  };
  return { host: hostIn(folder), run, listen, stop };
}

function hostIn(folder: string): string {
  return `unix://${folder}/podman.sock`;
}
