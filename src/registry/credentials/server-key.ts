import { repositoryOf } from '../../reference/image-name.js';

/** Docker Hub's key in docker's configuration. It dates from the time when the Hub had another API. */
const DOCKER_HUB = 'https://index.docker.io/v1/';

/** The key that docker's configuration uses for the registry of an image. */
export function serverOf(name: string): string {
  return dockerKey(repositoryOf(name).registry);
}

/** @param registry as in image names */
export function dockerKey(registry: string): string {
  return registry === 'docker.io' ? DOCKER_HUB : registry;
}

/** The keys that mean exactly this registry, and not a part of it. */
export function keysOf(keys: Iterable<string>, registry: string): readonly string[] {
  return [...keys].filter((key) => scopeOf(key) === lowerHost(registry));
}

/**
 * The keys that match the registry of an image, best first. The exact key that docker writes comes first. Next come the
 * keys for the image's registry or, as in Podman, for a part of it (`quay.io/team`), most specific first. Patterns come
 * last, longest first. A key with a scheme means the host, whatever path follows. Hosts are compared without regard to
 * letter case.
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

/** @returns the name and all its parents, up to the registry */
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

/** Whether a key in a credentials file matches several hosts. */
export function isPattern(key: string): boolean {
  return key.includes('*');
}

/**
 * Whether a pattern matches a host, or a path within a registry. `*` matches any text without a dot, a colon or a
 * slash, so `*.example.com` does not match hosts two levels down. Source: the keys of Kubernetes' pull secrets.
 *
 * @param scope `HOST[:PORT][/PATH]`
 */
function matchesPattern(pattern: string, scope: string): boolean {
  const [wanted, host] = [pattern, scope].map((text) => text.replace(/\/.*$/s, '')) as [string, string];
  if (pattern.slice(wanted.length) !== scope.slice(host.length)) return false;
  const labels = wanted.split(/([.:])/);
  const others = host.split(/([.:])/);
  return labels.length === others.length && labels.every((label, i) => matchesLabel(label, others[i] as string));
}

/** Searches once, left to right, for each text between two `*`. No pattern costs more than that. */
function matchesLabel(pattern: string, text: string): boolean {
  const [first = '', ...others] = pattern.split('*');
  const last = others.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return false;
  let at = first.length;
  for (const part of others) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at <= text.length - last.length;
}
