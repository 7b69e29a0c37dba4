import { access, constants } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { makeUserFolder } from '../../base/io/folders.js';
import { printable } from '../../base/text/printable.js';
import { DimgxError, throwIfAborted } from '../../errors.js';
import { type AuthFile, type AuthFileKind, dockerFile, podmanFiles } from './auth-file.js';
import type { HelperOptions } from './credential-helper.js';
import { isPattern } from './host-pattern.js';
import { dockerKey, keysOf, matchingKeys } from './server-key.js';

/** The registry whose credentials are to be stored or removed, and where. */
export interface LoginRequest {
  /** As in image names: `docker.io`, `HOST:PORT`. */
  readonly registry: string;
  /** The file that the user names. Default: docker's or Podman's. */
  readonly authFile?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal | undefined;
}

/** A credentials file. */
export interface LoginPlace {
  readonly path: string;
  readonly kind: AuthFileKind;
}

/** In milliseconds. Helpers may prompt the user. */
const TIMEOUT = 60_000;

/** All files that dimgx searches for credentials. */
export function loginPlaces({ authFile, env }: Omit<LoginRequest, 'registry'>): readonly [LoginPlace, ...LoginPlace[]] {
  if (authFile !== undefined) return [{ path: authFile, kind: kindOf(authFile) }];
  const podman = podmanFiles(env).map((path) => ({ path, kind: 'podman' as const }));
  return [{ path: dockerFile(env), kind: 'docker' }, ...podman];
}

/**
 * The file to store credentials in: the one that the user or the environment names (Podman obeys `DOCKER_CONFIG` too),
 * or docker's if it exists, or else the first of Podman's files that exists or can be created.
 */
export async function placeToStore(request: LoginRequest): Promise<LoginPlace> {
  const [first, ...others] = loginPlaces(request);
  const [podman] = others;
  if (podman === undefined) return first;
  const { REGISTRY_AUTH_FILE, DOCKER_CONFIG } = request.env;
  if (!REGISTRY_AUTH_FILE && (DOCKER_CONFIG || (await isThere(first.path)))) return first;
  for (const place of others) if (await isThere(place.path)) return place;
  for (const place of others) if (await canBeMade(place.path)) return place;
  return podman;
}

/** The key for a registry in a file of this kind. */
export function keyFor({ kind }: LoginPlace, registry: string): string {
  return kind === 'docker' ? dockerKey(registry) : registry;
}

/**
 * The helper that keeps the registry's credentials, and the key it uses for the registry. Podman has no helper for all
 * registries.
 */
export function helperFor(place: LoginPlace, { helpers, helper }: AuthFile, registry: string) {
  const patterns = matchingKeys(helpers.keys(), `${registry}/x`).filter(isPattern);
  const [key] = [...keysOf(helpers.keys(), registry), ...patterns];
  if (key !== undefined) {
    const program = helpers.get(key);
    return program ? { program, server: isPattern(key) ? keyFor(place, registry) : key } : undefined;
  }
  return helper && place.kind === 'docker' ? { program: helper, server: keyFor(place, registry) } : undefined;
}

export function helperOptions({ env, signal }: Omit<LoginRequest, 'registry'>): HelperOptions {
  return { env, signal, timeout: TIMEOUT };
}

/** @throws DIMGX_SOURCE_LOGIN_NOT_STORED, DIMGX_ABORTED */
export async function withLoginErrors<T>(
  { path }: LoginPlace,
  what: 'stored in' | 'removed from',
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throwIfAborted(signal);
    const reason = printable((cause as Error).message, 300);
    const message = `credentials cannot be ${what} ${printable(path, 300)}: ${reason}`;
    throw new DimgxError('DIMGX_SOURCE_LOGIN_NOT_STORED', message, { cause });
  }
}

/** Docker's file is always called `config.json`, in any folder. */
function kindOf(path: string): AuthFileKind {
  return basename(path) === 'config.json' ? 'docker' : 'podman';
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** An ordinary user may be unable to create the runtime folder when it is missing. */
async function canBeMade(path: string): Promise<boolean> {
  try {
    await makeUserFolder(dirname(path));
    await access(dirname(path), constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
