import { quoted } from '../base/text/printable.js';
import { DimgxError } from '../errors.js';
import { isRegistryHost, repositoryOf } from './image-name.js';

/**
 * A registry, as users write it: a host, perhaps with a port; a scheme before it and the API's version behind it count
 * for nothing. Docker Hub is `docker.io` under all its names.
 *
 * @throws DIMGX_REFERENCE_INVALID for what no image's name could begin with
 */
export function parseRegistryHost(text: string): string {
  const host = text.replace(/^(?:https?|docker):\/\//, '').replace(/(?:\/v[12])?\/?$/, '');
  if (/^(?:index|registry-1)\.docker\.io$/.test(host)) return 'docker.io';
  if (isRegistryHost(host) && repositoryOf(`${host}/x`).registry === host) return host;
  const message = `${quoted(text)} is no registry: write HOST or HOST:PORT; a HOST without a dot needs a port, but for localhost`;
  throw new DimgxError('DIMGX_REFERENCE_INVALID', message);
}
