import type { Environment } from '../base/io/folders.js';
import { quoted } from '../base/text/printable.js';
import type { Warn } from '../errors.js';
import { parseMirror, type RegistryName } from '../reference/image-name.js';
import { movedName, RegistriesConf } from './registries-conf.js';

/** Where a repository can be found, according to the configuration. */
export interface RepositoryPlace {
  /** As in image names: `docker.io`, `HOST:PORT`. */
  readonly registry: string;
  readonly path: string;
  /** If given explicitly. */
  readonly scheme?: 'http' | 'https';
  /** Certificates are not checked there, and plain HTTP is allowed. */
  readonly isInsecure: boolean;
  /** Which requests a mirror may answer: its tags may be out of date. */
  readonly serves: 'all' | 'digest' | 'tag';
}

export interface PlacesRequest {
  readonly name: RegistryName;
  /** `HOST=URL`, in the order in which they are tried. */
  readonly mirrors: readonly string[];
  readonly env: Environment;
  readonly warn: Warn;
}

/**
 * The mirrors of a repository, followed by its own place. The user's mirrors come before those in Podman's
 * configuration. A mirror that the configuration blocks is skipped with a warning.
 *
 * @throws DIMGX_OPTION_INVALID for a malformed mirror; DIMGX_REGISTRY_BLOCKED when the configuration blocks the
 *   repository; DIMGX_REGISTRY_CONFIG
 */
export async function repositoryPlaces({
  name: { registry, path },
  mirrors,
  env,
  warn,
}: PlacesRequest): Promise<readonly [...RepositoryPlace[], RepositoryPlace]> {
  const asked = mirrors.map(parseMirror).flatMap(({ of, ...mirror }): readonly RepositoryPlace[] => {
    return of === registry ? [{ ...mirror, path: joined(mirror.path, path), isInsecure: false, serves: 'all' }] : [];
  });
  const conf = await RegistriesConf.read(env);
  const name = `${registry}/${path}`;
  conf.requireAllowed(name);
  const rule = conf.find(name);
  const placeAt = (location: string, isInsecure: boolean, serves: RepositoryPlace['serves']) => {
    const moved = rule && location !== '' ? movedName(location, rule.rest) : name;
    return { ...splitName(moved), isInsecure: isInsecure || (conf.find(moved)?.isInsecure ?? false), serves };
  };
  const configured =
    rule?.mirrors.map(({ location, isInsecure, serves }) => placeAt(location, isInsecure, serves)) ?? [];
  const own = placeAt(rule?.location ?? '', rule?.isInsecure ?? false, 'all');
  conf.requireAllowed(nameOf(own));
  const allowed = [...asked, ...configured].filter((place) => {
    if (!conf.find(nameOf(place))?.isBlocked) return true;
    const message = `the mirror ${quoted(nameOf(place))} is skipped: registries.conf blocks it`;
    warn({ code: 'DIMGX_REGISTRY_MIRROR_SKIPPED', message, count: 1 });
    return false;
  });
  return [...allowed, own];
}

function nameOf({ registry, path }: RepositoryPlace): string {
  return `${registry}/${path}`;
}

function joined(prefix: string, path: string): string {
  return prefix === '' ? path : `${prefix}/${path}`;
}

function splitName(name: string): { readonly registry: string; readonly path: string } {
  const slash = name.indexOf('/');
  return { registry: name.slice(0, slash), path: name.slice(slash + 1) };
}
