import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { configFolder, type Environment, homeFolder } from '../base/io/folders.js';
import { quoted } from '../base/text/printable.js';
import { contextEndpoint, currentContext } from './docker-context.js';
import { type Endpoint, environmentTls, formatEndpoint, parseEndpoint, wantsTls } from './endpoint.js';
import { failureReason } from './engine-error.js';

/** A place where an engine may be. */
export interface EngineCandidate {
  readonly endpoint: Endpoint;
  /** Includes the name of the context it came from; printable. */
  readonly location: string;
}

/** A malformed address. */
export interface Nowhere {
  /** The setting that contains it; printable. */
  readonly location: string;
  /** What is wrong with it; printable. */
  readonly reason: string;
}

/**
 * Where the engine is. As in docker, the first of these that is given counts:
 *
 * 1. the requested host (`--host`)
 * 2. `DOCKER_HOST`
 * 3. the context named by `DOCKER_CONTEXT`
 * 4. the current context in docker's configuration
 * 5. with `DOCKER_TLS_VERIFY` or `DOCKER_TLS`, port 2376 on this machine
 * 6. the sockets of Docker, including rootless Docker and Docker Desktop; `CONTAINER_HOST`; the sockets of Podman;
 *    those of virtual machines (Colima, OrbStack, Rancher Desktop, Lima, Podman's), if they exist
 *
 * @returns more than one only in the last case; the first that answers is to be used
 * @throws DIMGX_ENGINE_CONFIG, DIMGX_ENGINE_TLS
 */
export async function findEndpoint(
  host: string | undefined,
  env: Environment,
): Promise<readonly (EngineCandidate | Nowhere)[]> {
  const given = host?.trim() || env.DOCKER_HOST?.trim();
  if (given) return [await hostCandidate(given, env)];
  const context = await currentContext(env);
  if (context !== undefined) return [candidate(await contextEndpoint(context, env), context)];
  if (wantsTls(env)) return [await hostCandidate('tcp://localhost:2376', env)];
  return [...defaultPlaces(env), ...(await machinePlaces(env))];
}

/** In the order in which they are tried. */
function defaultPlaces(env: Environment): readonly (EngineCandidate | Nowhere)[] {
  const home = homeFolder(env);
  const runtime = env.XDG_RUNTIME_DIR;
  const socket = (path: string) => candidate({ kind: 'unix', path });
  return [
    socket('/var/run/docker.sock'),
    ...(runtime ? [socket(join(runtime, 'docker.sock'))] : []),
    socket(join(home, '.docker/run/docker.sock')),
    socket(join(home, '.docker/desktop/docker.sock')),
    ...(env.CONTAINER_HOST ? [containerHost(env.CONTAINER_HOST)] : []),
    ...(runtime ? [socket(join(runtime, 'podman/podman.sock'))] : []),
    socket('/run/podman/podman.sock'),
  ];
}

/** The sockets of this user's virtual machines. There are many possible places, and few users have any of them. */
async function machinePlaces(env: Environment): Promise<readonly EngineCandidate[]> {
  const home = homeFolder(env);
  const machines = '.local/share/containers/podman/machine';
  const places = [
    ...(env.COLIMA_HOME ? [join(env.COLIMA_HOME, 'default/docker.sock')] : []),
    ...['.colima/default/docker.sock', '.colima/docker.sock', '.config/colima/default/docker.sock'],
    '.orbstack/run/docker.sock',
    '.rd/docker.sock',
    ...(env.LIMA_HOME ? [join(env.LIMA_HOME, 'docker/sock/docker.sock')] : []),
    ...['docker', 'docker-rootful', 'default'].map((machine) => `.lima/${machine}/sock/docker.sock`),
    ...['podman.sock', 'podman-machine-default/podman.sock', 'qemu/podman.sock'].map((name) => `${machines}/${name}`),
    ...[env.XDG_RUNTIME_DIR, env.TMPDIR].flatMap((folder) =>
      folder ? [join(folder, 'podman/podman-machine-default-api.sock')] : [],
    ),
  ].map((place) => resolve(home, place));
  const isSocket = await Promise.all(
    places.map((path) =>
      stat(path).then(
        (about) => about.isSocket(),
        () => false,
      ),
    ),
  );
  return places.filter((_, i) => isSocket[i]).map((path) => candidate({ kind: 'unix', path }));
}

/** A malformed `CONTAINER_HOST` is not fatal, because one of Docker's sockets, which take precedence, may answer. */
function containerHost(host: string): EngineCandidate | Nowhere {
  try {
    return candidate(parseEndpoint(host));
  } catch (error) {
    return { location: 'CONTAINER_HOST', reason: failureReason(error) };
  }
}

async function hostCandidate(host: string, env: Environment): Promise<EngineCandidate> {
  const endpoint = parseEndpoint(host);
  if (endpoint.kind !== 'tcp') return candidate(endpoint);
  return candidate({ ...endpoint, tls: await environmentTls(env, configFolder(env)) });
}

function candidate(endpoint: Endpoint, context?: string): EngineCandidate {
  const location = formatEndpoint(endpoint);
  return { endpoint, location: context === undefined ? location : `${location} (context ${quoted(context)})` };
}
