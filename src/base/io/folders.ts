import { chown, mkdir, readdir, stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { isSystemError } from '../../errors.js';

/** Variables of the environment. */
export type Environment = Readonly<Record<string, string | undefined>>;

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

/**
 * Creates a folder and its missing parents. Node's recursive `mkdir` never ends if a folder exists but cannot have
 * children (`/proc`, a mount whose folder was deleted): the system keeps returning ENOENT for the child. This function
 * tries each folder once, from the top down.
 *
 * @param mode mode of the new folders
 * @returns the new folders, outermost first
 * @throws the operating system's error; ENOENT for a dangling symlink
 */
export async function makeFolder(path: string, mode: number): Promise<readonly string[]> {
  const missing: string[] = [];
  for (let at = path; !(await isFolder(at)); at = dirname(at)) {
    missing.unshift(at);
    if (dirname(at) === at) break;
  }
  const made: string[] = [];
  for (const folder of missing) if (await makeOne(folder, mode)) made.push(folder);
  return made;
}

/**
 * Creates a folder in a user's home, for its owner only. Under `sudo` the home belongs to another user: root gives each
 * new folder to the owner of its parent, or that user would be locked out.
 *
 * @throws as `makeFolder`
 */
export async function makeUserFolder(path: string): Promise<void> {
  const made = await makeFolder(path, 0o700);
  if (process.getuid?.() !== 0) return;
  for (const folder of made) {
    const { uid, gid } = await stat(dirname(folder));
    await chown(folder, uid, gid);
  }
}

/** @returns whether it is new: another process may have created it in the meantime */
async function makeOne(path: string, mode: number): Promise<boolean> {
  try {
    await mkdir(path, { mode });
    return true;
  } catch (failure) {
    if (isSystemError(failure, 'EEXIST') && (await stat(path)).isDirectory()) return false;
    throw failure;
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (failure) {
    if (isSystemError(failure, 'ENOENT')) return false;
    throw failure;
  }
}

/**
 * @returns the names in a folder, in any order; none if there is no such folder
 * @throws the operating system's error
 */
export async function namesIn(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch((failure: unknown) => {
    if (isSystemError(failure, 'ENOENT', 'ENOTDIR')) return [];
    throw failure;
  });
}
