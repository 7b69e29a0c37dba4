import { withResources } from '../base/io/resources.js';
import type { NameListOptions } from './list-names.js';
import { openRegistry } from './open-repository.js';

export interface LoginCheck extends Omit<NameListOptions, 'credentials'> {
  /** As in image names: `docker.io`, `HOST:PORT`. */
  readonly registry: string;
  readonly username: string;
  readonly password: string;
}

/** Upper limit for the body of the registry's `/v2/` reply, in bytes. The body is ignored. */
const MAX_GREETING = 2 ** 20;

/**
 * Checks credentials against a registry, if the registry asks for any.
 *
 * @throws DIMGX_REGISTRY_*, DIMGX_ABORTED
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
