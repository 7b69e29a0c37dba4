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
