import { homedir } from 'node:os';
import { join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

/** The user's home, as docker and podman find it. */
export function homeFolder(env: Environment): string {
  return env.HOME || homedir();
}

/** Where docker keeps its configuration. */
export function configFolder(env: Environment): string {
  return env.DOCKER_CONFIG || join(homeFolder(env), '.docker');
}
