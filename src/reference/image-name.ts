/**
 * One spelling for the many of an image's name: `docker.io/library/alpine`, `index.docker.io/alpine`, `library/alpine`
 * and `alpine` are all `alpine:latest`. A digest at its end stays. Source: distribution/reference, normalize.go.
 */
export function normalizeImageName(name: string): string {
  const [, base = name, digest = ''] = /^(.*?)(@[^@]*)?$/s.exec(name) ?? [];
  const short = base.replace(/^(?:(?:index\.)?docker\.io\/)?(?:library\/(?=[^/]*$))?/, '');
  const tagged = digest !== '' || short.lastIndexOf(':') > short.lastIndexOf('/');
  return `${short}${tagged ? '' : ':latest'}${digest}`;
}

/** Where an image's name says that it lies. */
export interface Repository {
  /** `docker.io` where the name tells none. */
  readonly registry: string;
  /** Within the registry; what Docker Hub has at its top is in `library`. */
  readonly path: string;
}

/** The repository of an image's name, its tag and digest left out. Source: distribution/reference, splitDockerDomain. */
export function repositoryOf(name: string): Repository {
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
/** Whether it is written as the host of a registry, and could be one: ports end at 65535, numbers of an address at 255. */
export function isRegistryHost(text: string): boolean {
  return HOST.test(text) && URL.canParse(`https://${text}`);
}

const COMPONENT = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*$/;
const TAG_AND_DIGEST = /^(.*?)(:\w[\w.-]{0,127})?(@[A-Za-z][\w+.-]*:[0-9a-fA-F]{32,})?$/s;

/**
 * An image's name with its registry: `alpine:3` is `docker.io/library/alpine:3`. Beside a digest the tag is left out.
 * Source: distribution/reference, regexp.go.
 *
 * @returns `undefined` for what no registry can have: not a name, or 64 hex digits, which are an ID
 */
export function fullName(name: string): string | undefined {
  const [, base = '', tag = '', digest] = TAG_AND_DIGEST.exec(name) ?? [];
  const { registry, path } = repositoryOf(base);
  const isName = isRegistryHost(registry) && path.split('/').every((part) => COMPONENT.test(part));
  const isMore = /@|:[^/]*$|^[0-9a-f]{64}$/.test(base);
  return isName && !isMore ? `${registry}/${path}${digest ?? tag}` : undefined;
}
