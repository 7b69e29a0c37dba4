import { quoted } from '../base/text/printable.js';
import { DimgxError } from '../errors.js';
import { isRegistryHost, repositoryOf } from './image-name.js';

/**
 * Parses a registry as users write it: a host with an optional port. A leading scheme and a trailing API version are
 * ignored. Every name of Docker Hub becomes `docker.io`.
 *
 * @throws DIMGX_REFERENCE_INVALID if no image name can begin with it
 */
export function parseRegistryHost(text: string): string {
  const host = text.replace(/^(?:https?|docker):\/\//, '').replace(/(?:\/v[12])?\/?$/, '');
  if (/^(?:index|registry-1)\.docker\.io$/.test(host)) return 'docker.io';
  if (isRegistryHost(host) && repositoryOf(`${host}/x`).registry === host) return host;
  const message = `${quoted(text)} is no registry: write HOST or HOST:PORT; a HOST without a dot needs a port, but for localhost`;
  throw new DimgxError('DIMGX_REFERENCE_INVALID', message);
}
