import { chmod, lstat, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { type Environment, homeFolder, makeFolder } from '../base/io/folders.js';
import { parseSize } from '../base/limits.js';
import { printable, quoted } from '../base/text/printable.js';
import { requireThat } from '../check-options.js';
import { DimgxError, isSystemError } from '../errors.js';
import { CacheFiles } from './cache-files.js';

/** Location of a cache. */
interface CachePlace {
  readonly path: string;
  /** The user named this folder explicitly, so the mode of an existing folder is left alone. */
  readonly isNamed: boolean;
}

/** Folders that the cache itself keeps. */
const OWN_FOLDERS: readonly string[] = ['blobs', 'claims', 'indexes', 'names', 'partial'];

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
async function checkCacheFolder({ path, isNamed }: CachePlace): Promise<boolean> {
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
  throw new Error(`${printable(path, 300)} is writable by other users (make it private with chmod 700)`);
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

/**
 * Creates a folder of the caller's own in the user's cache folder, for data that can be made again. Only its owner can
 * read it. The folder is the default one: `DIMGX_CACHE` does not count, and the limit of the cache does not either.
 *
 * @param name one name, without slashes, that does not begin with a dot
 * @returns its path
 * @throws DIMGX_OPTION_INVALID; DIMGX_CACHE_UNUSABLE, also when others can write to the cache folder
 */
export async function makeCacheFolder(name: string): Promise<string> {
  const isName = typeof name === 'string' && /^\w[\w.-]*$/.test(name) && !OWN_FOLDERS.includes(name);
  requireThat(isName, 'the name', 'a plain name that the cache does not use itself', name);
  const place = cachePlace({ ...process.env, DIMGX_CACHE: undefined });
  const path = join(place.path, name);
  await withCacheErrors(place.path, async () => {
    await prepareCacheFolder(place);
    await makeFolder(path, OWNER_ONLY);
  });
  return path;
}

/** Maximum size of the cache, in bytes. */
const DEFAULT_LIMIT = 10 * 1000 ** 3;

/**
 * The maximum size of the cache, in bytes: `DIMGX_CACHE_SIZE`, or else 10 GB.
 *
 * @throws an error that says in words what is wrong with the setting
 */
export function cacheLimit(env: Environment): number {
  const text = env.DIMGX_CACHE_SIZE;
  if (!text) return DEFAULT_LIMIT;
  const limit = parseSize(text);
  if (limit !== undefined) return limit;
  throw new Error(`DIMGX_CACHE_SIZE must be a size such as 500M, 10GB or 1TiB, not ${quoted(text)}`);
}

/** A user's cache, opened for inspection. */
export interface OpenedFiles {
  readonly files: CacheFiles;
  /** Maximum size of the cache, in bytes. */
  readonly limit: number;
}

/**
 * The files of the user's cache. A cache that has never been used is empty.
 *
 * @throws DIMGX_CACHE_UNUSABLE
 */
export function openCacheFiles(env: Environment): Promise<OpenedFiles> {
  const place = cachePlace(env);
  return withCacheErrors(place.path, async () => {
    await checkCacheFolder(place);
    return { files: new CacheFiles(place.path), limit: cacheLimit(env) };
  });
}

/**
 * @param folder of the cache
 * @throws DIMGX_CACHE_UNUSABLE for an error without a code
 */
export async function withCacheErrors<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof DimgxError) throw cause;
    const reason = printable((cause as Error).message, 300);
    throw new DimgxError('DIMGX_CACHE_UNUSABLE', `the cache ${printable(folder, 300)} cannot be used: ${reason}`, {
      cause,
    });
  }
}
