import { repositoryOf } from '../../reference/image-name.js';
import { isPattern, matchesPattern } from './host-pattern.js';

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
  return [...keys].filter((key) => scopeOf(key) === lowerHost(registry));
}

/**
 * The keys that stand for the registry of an image, the best first: as docker writes it; then those that mean the image's
 * registry, or a part of it as with Podman (`quay.io/team`), the most specific first; then patterns, the longest first. A
 * key with a scheme means the host, whatever path follows. Letter case does not count in a host.
 */
export function matchingKeys(keys: Iterable<string>, name: string): readonly string[] {
  const all = [...keys];
  const server = serverOf(name);
  const { registry, path } = repositoryOf(name);
  const scopes = scopesOf(`${lowerHost(registry)}/${path}`);
  const plain = scopes.flatMap((scope) => all.filter((key) => scopeOf(key) === scope).reverse());
  const patterns = all.filter((key) => isPattern(key) && scopes.some((scope) => matchesPattern(scopeOf(key), scope)));
  const exact = all.filter((key) => key === server);
  return [...new Set([...exact, ...plain, ...patterns.sort((a, b) => b.length - a.length)])];
}

/** @returns the name, and all that it lies in up to the registry */
function scopesOf(name: string): readonly string[] {
  const scopes: string[] = [];
  for (let scope = name; scope !== ''; scope = scope.slice(0, Math.max(scope.lastIndexOf('/'), 0))) scopes.push(scope);
  return scopes;
}

function scopeOf(key: string): string {
  const [, scheme, rest = ''] = /^([a-z][a-z0-9+.-]*:\/\/)?(.*)$/is.exec(key) ?? [];
  const plain =
    scheme === undefined ? rest.replace(/\/v[12]\/?$|\/$/, '') : rest.replace(/[/?#].*$/s, '').replace(/^.*@/s, '');
  return lowerHost(plain).replace(/^(?:index|registry-1)\.docker\.io(?=\/|$)/, 'docker.io');
}

function lowerHost(scope: string): string {
  return scope.replace(/^[^/]*/, (host) => host.toLowerCase());
}
