import { userInfo } from 'node:os';
import { join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

/** The user's home, as docker and podman find it; the root for a user without account, as containers have them. */
export function homeFolder(env: Environment): string {
  return env.HOME || homeOfAccount();
}

function homeOfAccount(): string {
  try {
    return userInfo().homedir;
  } catch {
    return '/';
  }
}

/** Where docker keeps its configuration. */
export function configFolder(env: Environment): string {
  return env.DOCKER_CONFIG || join(homeFolder(env), '.docker');
}
