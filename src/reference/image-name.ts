import { quoted } from '../base/text/printable.js';
import { requireThat } from '../check-options.js';
import { DimgxError } from '../errors.js';
import { type Digest, isDigest } from './digest.js';

/**
 * Maps the many spellings of an image name to one: `docker.io/library/alpine`, `index.docker.io/alpine`,
 * `library/alpine` and `alpine` all become `alpine:latest`. A trailing digest is kept. Source: distribution/reference,
 * normalize.go.
 */
export function normalizeImageName(name: string): string {
  const [, base = name, digest = ''] = /^(.*?)(@[^@]*)?$/s.exec(name) ?? [];
  const short = base.replace(/^(?:(?:index\.)?docker\.io\/)?(?:library\/(?=[^/]*$))?/, '');
  const tagged = digest !== '' || short.lastIndexOf(':') > short.lastIndexOf('/');
  return `${short}${tagged ? '' : ':latest'}${digest}`;
}

/** The repository part of an image name. */
export interface RepositoryName {
  /** `docker.io` if the name contains no registry. */
  readonly registry: string;
  /** Path within the registry. Docker Hub's top-level images are in `library`. */
  readonly path: string;
}

/** The repository of an image name, without tag and digest. Source: distribution/reference, splitDockerDomain. */
export function repositoryOf(name: string): RepositoryName {
  const [first = '', ...rest] = name
    .replace(/@.*$/s, '')
    .replace(/:[^/:]*$/, '')
    .split('/');
  const isRegistry = rest.length > 0 && (/[.:A-Z]/.test(first) || first === 'localhost');
  const registry = !isRegistry || first === 'index.docker.io' ? 'docker.io' : first;
  const path = (isRegistry ? rest : [first, ...rest]).join('/');
  return { registry, path: registry === 'docker.io' && !path.includes('/') ? `library/${path}` : path };
}

const HOST = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::\d+)?$/;
/**
 * Whether the text is a valid registry host: its syntax is right, ports go up to 65535, and numbers in an address up to
 * 255.
 */
function isRegistryHost(text: string): boolean {
  return HOST.test(text) && URL.canParse(`https://${text}`);
}

const COMPONENT = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*$/;
const TAG_AND_DIGEST = /^(.*?)(:\w[\w.-]{0,127})?(@[A-Za-z][\w+.-]*:[0-9a-fA-F]{32,})?$/s;

/**
 * An image name including its registry: `alpine:3` becomes `docker.io/library/alpine:3`. If there is a digest, the tag
 * is dropped. Source: distribution/reference, regexp.go.
 *
 * @returns `undefined` if no registry can have the name: it is not a valid name, or it is 64 hex digits, which are an
 *   ID
 */
export function fullName(name: string): string | undefined {
  const [, base = '', tag = '', digest] = TAG_AND_DIGEST.exec(name) ?? [];
  const { registry, path } = repositoryOf(base);
  const isName = isRegistryHost(registry) && path.split('/').every((part) => COMPONENT.test(part));
  const isMore = /@|:[^/]*$|^[0-9a-f]{64}$/.test(base);
  return isName && !isMore ? `${registry}/${path}${digest ?? tag}` : undefined;
}

/** An image in a registry. */
export interface RegistryName extends RepositoryName {
  /** Full name as docker writes it: `docker.io/library/alpine:latest`. */
  readonly full: string;
  /** The tag or digest to request from the registry. */
  readonly version: string;
  readonly digest?: Digest;
}

/** A registry's name without the transport that may stand before it. */
export function withoutScheme(name: string): string {
  return name.replace(/^docker:\/\//, '');
}

/**
 * Parses `NAME[:TAG][@DIGEST]` as docker does. If there is a digest, the tag is ignored. If there is neither, the tag
 * is `latest`.
 *
 * @throws DIMGX_REFERENCE_INVALID
 */
export function parseRegistryName(name: string): RegistryName {
  const full = fullName(name);
  if (full === undefined) throw invalid(name, 'write [HOST[:PORT]/]NAME[:TAG][@DIGEST]');
  const repository = repositoryOf(full);
  const rest = full.slice(repository.registry.length + 1 + repository.path.length);
  if (rest === '') return { ...repository, full: `${full}:latest`, version: 'latest' };
  const version = rest.slice(1);
  if (rest.startsWith(':')) return { ...repository, full, version };
  if (!isDigest(version)) throw invalid(name, 'its digest is malformed');
  return { ...repository, full, version, digest: version };
}

function invalid(name: string, why: string): DimgxError {
  return new DimgxError('DIMGX_REFERENCE_INVALID', `${quoted(name)} does not name an image in a registry: ${why}`);
}

/**
 * Parses a registry as users write it: a host with an optional port. A leading scheme and a trailing API version are
 * ignored. Every name of Docker Hub becomes `docker.io`.
 *
 * @throws DIMGX_OPTION_INVALID; DIMGX_REFERENCE_INVALID if no image name can begin with it
 */
export function parseRegistryHost(text: string): string {
  requireThat(typeof text === 'string', 'the registry', 'a string', text);
  const host = text.replace(/^(?:https?|docker):\/\//, '').replace(/(?:\/v[12])?\/?$/, '');
  if (/^(?:index|registry-1)\.docker\.io$/.test(host)) return 'docker.io';
  if (isRegistryHost(host) && repositoryOf(`${host}/x`).registry === host) return host;
  const message = `${quoted(text)} is not a registry: write HOST or HOST:PORT; a HOST without a dot, except localhost, needs a port`;
  throw new DimgxError('DIMGX_REFERENCE_INVALID', message);
}

/** A place to ask before a registry. */
interface Mirror {
  /** The registry, as in image names. */
  readonly of: string;
  readonly scheme?: 'http' | 'https';
  /** The host of the mirror, as in image names. */
  readonly registry: string;
  /** Prefix of the paths there; may be empty. */
  readonly path: string;
}

const MIRROR = /^([^=/\s]+)=(?:(https?):\/\/)?((?:\[[\da-f:]+\]|[\w.-]+)(?::\d+)?)(\/[\w./-]*)?$/i;

/** Parses `HOST=URL`. @throws DIMGX_OPTION_INVALID, without the password in the URL */
export function parseMirror(text: string): Mirror {
  const [, host = '', scheme = '', registry = '', folder = ''] = MIRROR.exec(text) ?? [];
  if (registry === '' || !URL.canParse(`https://${registry}`)) {
    const shown = quoted(text.replace(/\/\/[^/@]*@/, '//***@'));
    const message = `a mirror must be HOST=URL, such as docker.io=https://mirror.example, not ${shown}`;
    throw new DimgxError('DIMGX_OPTION_INVALID', message);
  }
  const path = folder.replace(/^\/+|\/+$/g, '').replace(/^v2(?:\/|$)/, '');
  const of = /^(?:index|registry-1)\.docker\.io$/.test(host) ? 'docker.io' : host;
  return { of, registry, path, ...(scheme !== '' && { scheme: scheme.toLowerCase() as 'http' | 'https' }) };
}

/** Checks mirrors that may not be needed. @throws DIMGX_OPTION_INVALID */
export function checkMirrors(mirrors: readonly string[] = []): void {
  for (const mirror of mirrors) parseMirror(mirror);
}
