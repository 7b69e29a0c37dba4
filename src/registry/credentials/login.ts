import { access, constants } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { type Environment, makeUserFolder } from '../../base/io/folders.js';
import { printable } from '../../base/text/printable.js';
import { DimgxError, throwIfAborted } from '../../errors.js';
import {
  type AuthDocument,
  type AuthFile,
  type AuthFileKind,
  dockerFile,
  editAuthFile,
  podmanFiles,
  readAuthFile,
  withEntries,
} from './auth-file.js';
import { askHelper, clearHelper, type HelperOptions, tellHelper } from './credential-helper.js';
import { dockerKey, isPattern, keysOf, matchingKeys } from './server-key.js';

interface StoredLogin {
  /** Path of the file that has the credentials, or that names the helper that has them. */
  readonly path: string;
  readonly helper: string | undefined;
}

/**
 * Stores credentials as `docker login` does if docker has a configuration, and otherwise as `podman login` does. If the
 * file names a helper for the registry, the helper stores them.
 *
 * @throws DIMGX_CREDENTIALS_UNWRITABLE, DIMGX_ABORTED
 */
export async function storeLogin(
  login: { readonly username: string; readonly password: string },
  request: LoginRequest,
): Promise<StoredLogin> {
  const { registry, signal } = request;
  const place = await placeToStore(request);
  return withLoginErrors(place, 'stored in', signal, async () => {
    const helper = helperFor(place, await readAuthFile(place.path), registry);
    if (helper) await tellHelper(helper.program, helper.server, login, helperOptions(request));
    // docker records which registries its helpers have credentials for
    const noted = place.kind === 'docker' ? {} : undefined;
    const auth = Buffer.from(`${login.username}:${login.password}`).toString('base64');
    const entry = helper ? noted : { auth };
    await editAuthFile(place.path, (document) => withEntry(document, registry, keyFor(place, registry), entry));
    return { path: place.path, helper: helper?.program };
  });
}

/** Returns the document with this entry in place of all entries for the registry. */
function withEntry(
  document: AuthDocument,
  registry: string,
  key: string,
  entry: AuthDocument | undefined,
): AuthDocument | undefined {
  let isSame = false;
  const changed = withEntries(document, (auths) => {
    const old = keysOf(Object.keys(auths), registry);
    isSame = entry === undefined && old.length === 0;
    const kept = Object.entries(auths).filter(([other]) => (other === key && entry) || !old.includes(other));
    return { ...Object.fromEntries(kept), ...(entry && { [key]: entry }) };
  });
  return isSame ? undefined : changed;
}

/**
 * Removes the credentials for a registry from every file that dimgx searches, and from the helpers those files name.
 * Credentials for parts of the registry stay.
 *
 * @returns the files that had any
 * @throws DIMGX_CREDENTIALS_UNWRITABLE, DIMGX_ABORTED
 */
export async function removeLogin(request: LoginRequest): Promise<readonly string[]> {
  const removed: string[] = [];
  for (const place of loginPlaces(request)) {
    const isRemoved = await withLoginErrors(place, 'removed from', request.signal, () => removeFrom(place, request));
    if (isRemoved) removed.push(place.path);
  }
  return removed;
}

async function removeFrom(place: LoginPlace, request: LoginRequest): Promise<boolean> {
  const { registry } = request;
  const file = await readAuthFile(place.path);
  const helper = helperFor(place, file, registry);
  const options = helperOptions(request);
  const isKept = helper !== undefined && (await askHelper(helper.program, helper.server, options)) !== undefined;
  if (helper && isKept) await clearHelper(helper.program, helper.server, options);
  const old = keysOf(file.entries.keys(), registry);
  if (old.length > 0) await removeEntries(place, old);
  return isKept || old.length > 0;
}

/** Removes entries from a file; everything else in it stays. */
export async function removeEntries({ path }: LoginPlace, keys: readonly string[]): Promise<void> {
  await editAuthFile(path, (document) =>
    withEntries(document, (entries) =>
      Object.fromEntries(Object.entries(entries).filter(([key]) => !keys.includes(key))),
    ),
  );
}

/** The registry whose credentials are to be stored or removed, and where. */
export interface LoginRequest {
  /** As in image names: `docker.io`, `HOST:PORT`. */
  readonly registry: string;
  /** The file that the user names. Default: docker's or Podman's. */
  readonly authFile?: string | undefined;
  readonly env: Environment;
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
async function placeToStore(request: LoginRequest): Promise<LoginPlace> {
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
function keyFor({ kind }: LoginPlace, registry: string): string {
  return kind === 'docker' ? dockerKey(registry) : registry;
}

/**
 * The helper that keeps the registry's credentials, and the key it uses for the registry. Podman has no helper for all
 * registries.
 */
function helperFor(place: LoginPlace, { helpers, helper }: AuthFile, registry: string) {
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

/** @throws DIMGX_CREDENTIALS_UNWRITABLE, DIMGX_ABORTED */
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
    throw new DimgxError('DIMGX_CREDENTIALS_UNWRITABLE', message, { cause });
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
