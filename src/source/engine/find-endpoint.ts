import { join } from 'node:path';
import { quoted } from '../../image/printable.js';
import { configFolder, homeFolder } from '../user-folders.js';
import { contextEndpoint, currentContext } from './docker-context.js';
import { type Endpoint, formatEndpoint, parseEndpoint } from './endpoint.js';
import { environmentTls, wantsTls } from './tls-files.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** A place where an engine may be. */
export interface Candidate {
  readonly endpoint: Endpoint;
  /** With the name of the context that led there; printable. */
  readonly location: string;
}

/**
 * Where the engine is: the first of these that is given, as with docker.
 *
 * 1. the host that was asked for (`--host`)
 * 2. `DOCKER_HOST`
 * 3. the context of `DOCKER_CONTEXT`
 * 4. the current context of docker's configuration
 * 5. with `DOCKER_TLS_VERIFY` or `DOCKER_TLS`, this machine's port 2376
 * 6. the sockets of Docker, also a rootless one's and Docker Desktop's; `CONTAINER_HOST`; the sockets of Podman
 *
 * @returns several in the last case alone: the first that answers is meant
 * @throws DIMGX_SOURCE_NO_ENGINE, DIMGX_SOURCE_ENGINE_TLS
 */
export async function findEndpoint(host: string | undefined, env: Environment): Promise<readonly Candidate[]> {
  const given = host?.trim() || env.DOCKER_HOST?.trim();
  if (given) return [await hostCandidate(given, env)];
  const context = await currentContext(env);
  if (context !== undefined) return [candidate(await contextEndpoint(context, env), context)];
  if (wantsTls(env)) return [await hostCandidate('tcp://localhost:2376', env)];
  return defaultHosts(env).map((text) => candidate(parseEndpoint(text)));
}

/** In the order in which they are tried. */
function defaultHosts(env: Environment): string[] {
  const home = homeFolder(env);
  const runtime = env.XDG_RUNTIME_DIR;
  return [
    'unix:///var/run/docker.sock',
    ...(runtime ? [`unix://${join(runtime, 'docker.sock')}`] : []),
    `unix://${join(home, '.docker/run/docker.sock')}`,
    `unix://${join(home, '.docker/desktop/docker.sock')}`,
    ...(env.CONTAINER_HOST ? [env.CONTAINER_HOST] : []),
    ...(runtime ? [`unix://${join(runtime, 'podman/podman.sock')}`] : []),
    'unix:///run/podman/podman.sock',
  ];
}

async function hostCandidate(host: string, env: Environment): Promise<Candidate> {
  const endpoint = parseEndpoint(host);
  if (endpoint.kind !== 'tcp') return candidate(endpoint);
  return candidate({ ...endpoint, tls: await environmentTls(env, configFolder(env)) });
}

function candidate(endpoint: Endpoint, context?: string): Candidate {
  const location = formatEndpoint(endpoint);
  return { endpoint, location: context === undefined ? location : `${location} (context ${quoted(context)})` };
}
