import { userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The user's home: `HOME` if absolute, else the account's home; `/` for a user without an account, as in containers.
 */
export function homeFolder(env: Environment): string {
  return env.HOME && isAbsolute(env.HOME) ? env.HOME : homeOfAccount();
}

function homeOfAccount(): string {
  try {
    return userInfo().homedir;
  } catch {
    return '/';
  }
}

/** Folder of docker's configuration. */
export function configFolder(env: Environment): string {
  return env.DOCKER_CONFIG || join(homeFolder(env), '.docker');
}
