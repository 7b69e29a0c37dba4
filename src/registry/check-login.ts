import { withResources } from '../base/io/resources.js';
import type { ListOptions } from './list-names.js';
import { openRegistry } from './open-repository.js';

export interface LoginCheck extends Omit<ListOptions, 'credentials'> {
  /** As in the names of images: `docker.io`, `HOST:PORT`. */
  readonly registry: string;
  readonly username: string;
  readonly password: string;
}

/** Of what a registry says at its top, which counts for nothing, in bytes. */
const MAX_GREETING = 2 ** 20;

/**
 * Shows credentials to a registry, where it wants to be shown any.
 *
 * @throws DIMGX_SOURCE_REGISTRY_*, DIMGX_ABORTED
 */
export function checkLogin({ registry, username, password, ...options }: LoginCheck): Promise<void> {
  return withResources(async (resources) => {
    const shown = { ...options, isLogin: true, credentials: { username, password } };
    const server = await openRegistry(registry, shown, { ...options, resources });
    try {
      await server.read({ path: '', scope: '' }, MAX_GREETING);
    } catch (failure) {
      throw await server.explain(failure, 'a login');
    }
  });
}
