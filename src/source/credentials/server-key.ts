import { repositoryOf } from '../../reference/image-name.js';

/** Docker Hub's key in docker's configuration, of the time when it had another API. */
const DOCKER_HUB = 'https://index.docker.io/v1/';

/** What docker calls the registry of an image in its configuration. */
export function serverOf(name: string): string {
  return dockerKey(repositoryOf(name).registry);
}

/** @param registry as in the names of images */
export function dockerKey(registry: string): string {
  return registry === 'docker.io' ? DOCKER_HUB : registry;
}

/** The keys that mean a registry, and not a part of it, or another. */
export function keysOf(keys: Iterable<string>, registry: string): readonly string[] {
  return [...keys].filter((key) => scopeOf(key) === registry);
}

/**
 * The key that stands for the registry of an image: as docker writes it, else the most specific of those that mean the
 * image's registry, or a part of it as with Podman (`quay.io/team`). Schemes and API versions in keys count for nothing.
 */
export function matchingKey(keys: Iterable<string>, name: string): string | undefined {
  const all = [...keys];
  const server = serverOf(name);
  if (all.includes(server)) return server;
  const byScope = new Map(all.map((key) => [scopeOf(key), key]));
  const { registry, path } = repositoryOf(name);
  for (let scope = `${registry}/${path}`; scope !== ''; scope = parentOf(scope)) {
    const key = byScope.get(scope);
    if (key !== undefined) return key;
  }
  return undefined;
}

function parentOf(scope: string): string {
  return scope.slice(0, Math.max(scope.lastIndexOf('/'), 0));
}

function scopeOf(key: string): string {
  const plain = key.replace(/^https?:\/\//, '').replace(/\/v[12]\/?$|\/$/, '');
  return plain.replace(/^(?:index|registry-1)\.docker\.io(?=\/|$)/, 'docker.io');
}
