import { chmod, lstat, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { homeFolder, makeFolder } from '../base/io/folders.js';
import { printable } from '../base/text/printable.js';
import { isSystemError } from '../errors.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** Location of a cache. */
export interface CachePlace {
  readonly path: string;
  /** The user named this folder explicitly, so the mode of an existing folder is left alone. */
  readonly isNamed: boolean;
}

const OWNER_ONLY = 0o700;
const WRITABLE_BY_OTHERS = 0o022;

/**
 * The user's cache: `DIMGX_CACHE`, or else `dimgx` in the user's cache folder. A relative `XDG_CACHE_HOME` is ignored.
 * Source: XDG Base Directory Specification.
 */
export function cachePlace(env: Environment): CachePlace {
  if (env.DIMGX_CACHE) return { path: absolute(env.DIMGX_CACHE), isNamed: true };
  const caches = env.XDG_CACHE_HOME;
  const parent = caches && isAbsolute(caches) ? caches : join(homeFolder(env), '.cache');
  return { path: join(parent, 'dimgx'), isNamed: false };
}

/** Returns the path unchanged if the working directory was deleted: nothing can be created there then. */
function absolute(path: string): string {
  try {
    return resolve(path);
  } catch {
    return path;
  }
}

/**
 * Creates the folder, accessible to its owner only, if it does not exist, and checks it.
 *
 * @throws as `checkCacheFolder`
 */
export async function prepareCacheFolder(place: CachePlace): Promise<void> {
  if (await checkCacheFolder(place)) return;
  if (!place.isNamed) await refuseForeignHome(place.path);
  await makeFolder(place.path, OWNER_ONLY);
  await checkCacheFolder(place);
}

/**
 * Rejects a folder that other users can write to, or that belongs to another user: they could have put anything there.
 *
 * @returns whether the folder exists
 * @throws an error with the reason in words, or the operating system's error
 */
export async function checkCacheFolder({ path, isNamed }: CachePlace): Promise<boolean> {
  if (!(await stat(path).catch(ignoreAbsence))) return false;
  const { mode } = await requireOwn(path);
  // Node's compile cache may have created it, with the default mode for folders.
  if (!isNamed && (mode & 0o077) !== 0) await chmod(path, OWNER_ONLY).catch(ignoreReadOnly);
  await requirePrivate(path);
  const blobs = join(path, 'blobs');
  const about = await lstat(blobs).catch(ignoreAbsence);
  if (about && !about.isDirectory()) throw new Error(`${printable(blobs, 300)} is not a folder`);
  if (about) await requirePrivate(blobs);
  return true;
}

async function requireOwn(path: string) {
  const self = process.getuid?.();
  const about = await stat(path);
  if (!about.isDirectory()) throw new Error(`${printable(path, 300)} is not a folder`);
  if (self !== undefined && about.uid !== self) throw new Error(`${printable(path, 300)} belongs to another user`);
  return about;
}

async function requirePrivate(path: string): Promise<void> {
  const { mode } = await requireOwn(path);
  if (process.platform === 'win32' || (mode & WRITABLE_BY_OTHERS) === 0) return;
  throw new Error(`${printable(path, 300)} may be written by others (make it private by chmod 700)`);
}

/** Under `sudo` the home may still be the user's. Folders of root in it would be in the user's way forever. */
async function refuseForeignHome(path: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  for (let parent = dirname(path); ; parent = dirname(parent)) {
    const about = await stat(parent).catch(ignoreAbsence);
    if (about && about.uid !== 0) throw new Error(`${printable(parent, 300)} belongs to another user`);
    if (about) return;
  }
}

function ignoreAbsence(failure: unknown): undefined {
  if (!isSystemError(failure, 'ENOENT')) throw failure;
}

function ignoreReadOnly(failure: unknown): void {
  if (!isSystemError(failure, 'EROFS', 'EPERM')) throw failure;
}
