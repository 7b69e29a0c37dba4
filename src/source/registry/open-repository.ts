import type { Warn } from '../../errors.js';
import type { RegistryOptions } from '../../options.js';
import { repositoryOf } from '../../reference/image-name.js';
import type { RegistryName } from '../../reference/registry-name.js';
import type { Credentials } from '../credentials/credentials.js';
import { findCredentials } from '../credentials/find-credentials.js';
import type { OpenContext } from '../open-context.js';
import { Authorization } from './authorization.js';
import { HttpClient, type HttpTimeouts } from './http-client.js';
import { bareHost, isLoopback } from './proxy.js';
import { RegistryServer, type Retries } from './registry-server.js';
import { Repository } from './repository.js';
import { type RepositoryPlace, repositoryPlaces } from './repository-places.js';

export interface RepositoryOptions extends RegistryOptions {
  /** Nobody is to be asked. Default false. */
  readonly offline?: boolean;
  readonly timeouts?: Partial<HttpTimeouts>;
  readonly retries?: Partial<Retries>;
}

const TIMEOUTS: HttpTimeouts = { connect: 30_000, answer: 60_000, idle: 30_000 };
const RETRIES: Retries = { attempts: 5, first: 500, longest: 15_000, patience: 120_000 };

/** Where the API of Docker Hub is. */
const DOCKER_HUB = 'registry-1.docker.io';

/**
 * A repository, and what its registry and their mirrors are reached by. Nothing is asked yet.
 *
 * @throws DIMGX_CLI_USAGE, DIMGX_SOURCE_REGISTRY_DENIED
 */
export async function openRepository(
  name: RegistryName,
  options: RepositoryOptions,
  warn: Warn,
  { resources, signal }: Pick<OpenContext, 'resources' | 'signal'>,
): Promise<Repository> {
  const { env } = process;
  const { mirrors = [], caFile, insecure = false } = options;
  const places = (await repositoryPlaces({ name, mirrors, env, warn })).map((place) => ({
    ...place,
    isInsecure: place.isInsecure || insecure,
  }));
  const unchecked = new Set(places.filter(({ isInsecure }) => isInsecure).map(({ registry }) => apiHost(registry)));
  const http = new HttpClient({
    env,
    caFile,
    isInsecure: (host) => insecure || unchecked.has(host),
    signal,
    timeouts: { ...TIMEOUTS, ...options.timeouts },
  });
  resources.adopt(() => http.close());
  const retries = { ...RETRIES, ...options.retries };
  const stored = (place: RepositoryPlace) => storedCredentials(place, warn, signal);
  const servers = places.map((place, index) => {
    const { isInsecure, path, serves } = place;
    // what the user gives is for the registry that the user names, and not for mirrors of it
    const given = index === places.length - 1 ? options.credentials : undefined;
    const credentials = given ? async () => ({ ...NO_TOKENS, ...given }) : () => stored(place);
    const authorization = new Authorization({ http, isInsecure, credentials });
    const server = new RegistryServer({ http, authorization, origins: originsOf(place), isInsecure, retries, signal });
    return { server, path, serves };
  });
  return new Repository(name, servers, warn, options.offline);
}

const NO_TOKENS = { identityToken: '', registryToken: '' };

async function storedCredentials(
  { registry, path }: RepositoryPlace,
  warn: Warn,
  signal: AbortSignal | undefined,
): Promise<Credentials | undefined> {
  const name = `${registry}/${path}`;
  // the host of a mirror may have a name that no registry's could be: credentials of another would be found
  if (repositoryOf(name).registry !== registry) return undefined;
  return (await findCredentials({ name, env: process.env, first: 'docker', warn, signal }))?.credentials;
}

/** A registry on this machine may speak plain HTTP without more ado, as with docker. */
function originsOf({ registry, scheme, isInsecure }: RepositoryPlace): readonly [string, ...string[]] {
  const host = apiHost(registry);
  if (scheme) return [`${scheme}://${host}`];
  const mayBePlain = isInsecure || isLoopback(bareHost(new URL(`https://${host}`).hostname));
  return mayBePlain ? [`https://${host}`, `http://${host}`] : [`https://${host}`];
}

function apiHost(registry: string): string {
  return registry === 'docker.io' ? DOCKER_HUB : registry;
}
