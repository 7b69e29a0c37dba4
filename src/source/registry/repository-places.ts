import { DimgxError, type Warn } from '../../errors.js';
import { printable, quoted } from '../../image/printable.js';
import type { RegistryName } from '../../reference/registry-name.js';
import { registryRule } from './registries-conf.js';

/** Where a repository can be asked for, as far as configuration tells. */
export interface RepositoryPlace {
  /** As in the names of images: `docker.io`, `HOST:PORT`. */
  readonly registry: string;
  readonly path: string;
  /** Where it is said. */
  readonly scheme?: 'http' | 'https';
  /** Certificates are not checked there, and plain HTTP is allowed. */
  readonly isInsecure: boolean;
  /** What a mirror is good for: tags may be old there. */
  readonly serves: 'all' | 'digest' | 'tag';
}

export interface PlacesRequest {
  readonly name: RegistryName;
  /** `HOST=URL`, in the order in which they are asked. */
  readonly mirrors: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly warn: Warn;
}

const SERVES = { all: 'all', 'digest-only': 'digest', 'tag-only': 'tag', '': 'all' } as const;

/**
 * The mirrors of a repository, those the user names before those of Podman's configuration, and last where it is itself.
 *
 * @throws DIMGX_CLI_USAGE for a malformed mirror; DIMGX_SOURCE_REGISTRY_DENIED when the configuration blocks it
 */
export async function repositoryPlaces(
  request: PlacesRequest,
): Promise<readonly [...RepositoryPlace[], RepositoryPlace]> {
  const { registry, path } = request.name;
  const own = { registry, path, isInsecure: false, serves: 'all' } as const;
  const named = request.mirrors.map(parseMirror).filter((mirror) => mirror.of === registry);
  const asked = named.map(({ base }) => ({ ...base, path: joined(base.path, path) }));
  const rule = await registryRule(`${registry}/${path}`, request.env, request.warn);
  if (!rule) return [...asked, own];
  if (rule.blocked) {
    const message = `${quoted(request.name.full)} is blocked by the configuration of Podman, registries.conf`;
    throw new DimgxError('DIMGX_SOURCE_REGISTRY_DENIED', message);
  }
  const rest = `${registry}/${path}`.slice(rule.prefix.length);
  const at = (location: string) => splitName(`${location}${rest}`);
  const configured = rule.mirror.map(({ location, insecure, 'pull-from-mirror': kind }) => {
    const serves = rule['mirror-by-digest-only'] ? 'digest' : SERVES[kind];
    return { ...at(location), isInsecure: insecure, serves };
  });
  const moved = rule.location === '' ? own : { ...own, ...at(rule.location) };
  return [...asked, ...configured, { ...moved, isInsecure: rule.insecure }];
}

const MIRROR = /^([^=/\s]+)=(?:(https?):\/\/)?((?:\[[\da-f:]+\]|[\w.-]+)(?::\d+)?)(\/[\w./-]*)?$/i;

function parseMirror(text: string): { readonly of: string; readonly base: RepositoryPlace } {
  const [, host = '', scheme = '', registry = '', folder = ''] = MIRROR.exec(text) ?? [];
  if (registry === '' || !URL.canParse(`https://${registry}`)) {
    const message = `a mirror is written HOST=URL, like docker.io=https://mirror.example: ${quoted(withoutPassword(text))}`;
    throw new DimgxError('DIMGX_CLI_USAGE', message);
  }
  const path = folder.replace(/^\/+|\/+$/g, '').replace(/^v2(?:\/|$)/, '');
  const of = /^(?:index|registry-1)\.docker\.io$/.test(host) ? 'docker.io' : host;
  const isNamed = scheme === '' ? {} : { scheme: scheme.toLowerCase() as 'http' | 'https' };
  return { of, base: { registry, path, ...isNamed, isInsecure: false, serves: 'all' } };
}

function withoutPassword(text: string): string {
  return printable(text.replace(/\/\/[^/@]*@/, '//***@'));
}

function joined(prefix: string, path: string): string {
  return prefix === '' ? path : `${prefix}/${path}`;
}

function splitName(name: string): { readonly registry: string; readonly path: string } {
  const slash = name.indexOf('/');
  return { registry: name.slice(0, slash), path: name.slice(slash + 1) };
}
