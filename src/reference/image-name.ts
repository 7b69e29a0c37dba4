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
