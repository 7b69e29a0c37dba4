import { bareHost, isLoopback } from '../base/http/connections.js';
import { HttpClient, type HttpTimeouts } from '../base/http/http-client.js';
import type { Warn } from '../errors.js';
import type { OpenContext } from '../image/image.js';
import type { RegistryOptions } from '../options.js';
import { type RegistryName, repositoryOf } from '../reference/image-name.js';
import { Authorization } from './authorization.js';
import type { Credentials } from './credentials/auth-file.js';
import { findCredentials } from './credentials/find-credentials.js';
import { RegistriesConf } from './registries-conf.js';
import { RegistryAccess } from './registry-access.js';
import { RegistryServer, type Retries } from './registry-server.js';
import { Repository } from './repository.js';
import { type RepositoryPlace, repositoryPlaces } from './repository-places.js';

export interface RepositoryOptions extends RegistryOptions {
  /** Make no requests. Default false. */
  readonly offline?: boolean | undefined;
  /** Only check the credentials. Default false. */
  readonly isLogin?: boolean | undefined;
  readonly timeouts?: Partial<HttpTimeouts>;
  readonly retries?: Partial<Retries>;
}

const TIMEOUTS: HttpTimeouts = { connect: 30_000, greeting: 5_000, answer: 60_000, idle: 30_000 };
const RETRIES: Retries = { attempts: 5, first: 500, longest: 15_000, patience: 120_000 };

/** Host of Docker Hub's API. */
const DOCKER_HUB = 'registry-1.docker.io';

/** The parts of the context that are needed to reach a registry. */
type Surroundings = Pick<OpenContext, 'resources' | 'signal'> & {
  readonly warn: Warn;
  readonly inform?: ((message: string) => void) | undefined;
};

/**
 * A repository with its registry and mirrors. Makes no request yet.
 *
 * @throws DIMGX_OPTION_INVALID, DIMGX_REGISTRY_BLOCKED, DIMGX_REGISTRY_CONFIG
 */
export async function openRepository(
  name: RegistryName,
  options: RepositoryOptions,
  surroundings: Surroundings,
): Promise<Repository> {
  const { warn } = surroundings;
  const places = await repositoryPlaces({ name, mirrors: options.mirrors ?? [], env: process.env, warn });
  const servers = connect(places, options, surroundings);
  const known = places.map(({ path, serves }, index) => ({ server: servers[index] as RegistryServer, path, serves }));
  return new Repository(name, known, warn, options.offline);
}

/**
 * A registry as a whole, without its mirrors.
 *
 * @param registry as in image names: `HOST[:PORT]`
 * @throws DIMGX_REGISTRY_BLOCKED when the configuration blocks it; DIMGX_REGISTRY_CONFIG
 */
export async function openRegistry(
  registry: string,
  options: RepositoryOptions,
  surroundings: Surroundings,
): Promise<RegistryServer> {
  const conf = await RegistriesConf.read(process.env);
  const name = registry === 'index.docker.io' ? 'docker.io' : registry;
  conf.requireAllowed(name);
  const isInsecure = conf.find(name)?.isInsecure ?? false;
  const place = { registry, path: '', isInsecure, serves: 'all' } as const;
  return connect([place], options, surroundings)[0] as RegistryServer;
}

/** A server for each place. The last is the registry that the user named. */
function connect(
  wanted: readonly RepositoryPlace[],
  options: RepositoryOptions,
  surroundings: Surroundings,
): readonly RegistryServer[] {
  const { caFile, certDir, insecure = false, plainHttp = false } = options;
  const { resources, signal, warn } = surroundings;
  const places = wanted.map((place, index): RepositoryPlace => {
    const isPlain = plainHttp && index === wanted.length - 1;
    const isInsecure = place.isInsecure || insecure || isPlain;
    return { ...place, ...(isPlain && { scheme: 'http' }), isInsecure };
  });
  const unchecked = places.filter(({ isInsecure, scheme }) => isInsecure && scheme !== 'http');
  const uncheckedHosts = new Set(unchecked.map(({ registry }) => urlHost(registry)));
  const named = places.at(-1) as RepositoryPlace;
  const http = new HttpClient({
    env: process.env,
    caFile,
    certDir,
    isOwn: (host) => host === urlHost(named.registry),
    spellings: (host) => places.map(({ registry }) => registry).filter((registry) => urlHost(registry) === host),
    warn,
    isInsecure: (host) => insecure || uncheckedHosts.has(host),
    signal,
    timeouts: { ...TIMEOUTS, ...options.timeouts },
  });
  resources.adopt(() => http.close());
  const attempts = options.retry === undefined ? RETRIES.attempts : options.retry + 1;
  const retries = { ...RETRIES, attempts, ...options.retries };
  return places.map((place) => {
    const { isInsecure } = place;
    // credentials the user passes are for the named registry, not for its mirrors
    const given = place === named ? options.credentials : undefined;
    const stored = () => storedCredentials(place, options.authFile, surroundings);
    const credentials = given ? async () => ({ ...NO_TOKENS, ...given }) : stored;
    const own = new Authorization({ http, isInsecure, credentials });
    const other = (url: URL) => {
      const there = { registry: registryAt(url), path: pathAt(url) };
      const found = () => storedCredentials(there, options.authFile, surroundings);
      return new Authorization({ http, isInsecure: insecure, credentials: found });
    };
    const access = new RegistryAccess({ own, other });
    const { registry } = place;
    const { isLogin = false } = options;
    const origins = originsOf(place);
    return new RegistryServer({ http, registry, access, origins, isInsecure, isLogin, retries, signal });
  });
}

const NO_TOKENS = { identityToken: '', registryToken: '' };

async function storedCredentials(
  { registry, path }: Pick<RepositoryPlace, 'registry' | 'path'>,
  authFile: string | undefined,
  { warn, inform, signal }: Surroundings,
): Promise<Credentials | undefined> {
  const name = `${registry}/${path || 'any'}`;
  // a mirror's host may be a name that cannot be a registry's, and would match another registry's credentials
  if (repositoryOf(name).registry !== registry) return undefined;
  const request = { name, authFile, env: process.env, first: 'docker', warn, inform, signal } as const;
  return (await findCredentials(request))?.credentials;
}

/** A registry on this machine may always use plain HTTP, as in docker. */
function originsOf({
  registry,
  scheme,
  isInsecure,
}: Omit<RepositoryPlace, 'path' | 'serves'>): readonly [string, ...string[]] {
  const host = apiHost(registry);
  if (scheme) return [`${scheme}://${host}`];
  const mayBePlain = isInsecure || isLoopback(bareHost(new URL(`https://${host}`).hostname));
  return mayBePlain ? [`https://${host}`, `http://${host}`] : [`https://${host}`];
}

/** As in URLs: in lower case, and without port 443. */
function urlHost(registry: string): string {
  return new URL(`https://${apiHost(registry)}`).host;
}

/** The name that image names use for the registry at a URL. */
function registryAt({ host }: URL): string {
  return /^(?:index|registry-1)\.docker\.io$/.test(host) ? 'docker.io' : host;
}

function pathAt({ pathname }: URL): string {
  return /^\/v2\/(.+)\/(?:manifests|blobs|tags)\//.exec(pathname)?.[1] ?? '';
}

function apiHost(registry: string): string {
  return registry === 'docker.io' ? DOCKER_HUB : registry;
}
